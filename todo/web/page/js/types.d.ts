/** Shapes of the API (docs/api.md) and of the outbox. Only the type checker reads this file. */

/** The id of an object; "new:<uuid>" until the server has given it one. */
export type Id = number | string;

export interface Reminding {
    at?: string;
    before?: string;
}

export interface Task {
    id: Id;
    uid: string;
    name: string;
    note: string | null;
    list_id: Id | null;
    parent_id: Id | null;
    position: string;
    priority: number;
    labels: string[];
    start_date: string | null;
    due_date: string | null;
    timezone: string | null;
    recurrence: string | null;
    recurrence_from: "due" | "completion";
    occurrence_of: number | null;
    reminders: Reminding[];
    completed: boolean;
    completion_date: string | null;
    creation_date: string;
    modification_date: string;
    revision: number;
}

export interface List {
    id: Id;
    name: string;
    note: string | null;
    color: string | null;
    archived: boolean;
    position: string;
    creation_date: string;
    modification_date: string;
    revision: number;
}

export interface Filter {
    id: Id;
    name: string;
    query: string;
    creation_date: string;
    modification_date: string;
    revision: number;
}

/** A reminder that has fired. */
export interface Reminder {
    id: number;
    task_id: number;
    at: string;
    /** The due date of the task when it fired, if it is known; "" if the task has another now. */
    due_date?: string | null;
    fired_date: string;
    late: boolean;
    snoozed_until: string | null;
    dismissed_date: string | null;
}

export interface Profile {
    id: number;
    username: string;
    email: string;
    date_joined: string;
    timezone: string;
}

export type Fields = Record<string, any>;

/** One change in the feed (docs/sync.md). */
export interface Change {
    revision: number;
    date: string;
    kind: string;
    id: number;
    action: string;
    token: { id: number; kind: string; name: string | null } | null;
    before: Fields | null;
    after: Fields | null;
}

export type Noun = "task" | "list" | "filter" | "reminder" | "label";

export type Kind =
    | "create"
    | "quick"
    | "update"
    | "skip"
    | "move"
    | "delete"
    | "restore"
    | "erase"
    | "undo"
    | "dismiss"
    | "snooze";

/** A write that the server has not acknowledged. */
export interface Entry {
    seq?: number;
    /** The Idempotency-Key; of a new task also its uid. */
    key: string;
    /** When the person made the edit. */
    at: string;
    noun: Noun;
    kind: Kind;
    /** The object, or the name of the label. */
    id: Id;
    /** The object's name, for messages about this write. */
    name: string;
    /** The body of the request. */
    fields: Fields;
    /** The values before the edit: of the changed fields, or the whole object if it is deleted. */
    before: Fields | null;
    /** The revision for If-Match. */
    base: number | null;
    /** The write that this one undoes, if it was made on this page. */
    undoes?: Entry;
    /** The revision that this one undoes, once it is known. */
    revision?: number;
    /** When it was first sent, if it was: the answer may have been lost. */
    tried?: string;
    /** The revision of the copy at that time. */
    since?: number;
    /** The revision of the answer, 0 if it changed nothing; the copy may not have it yet. */
    acked?: number;
    state: "waiting" | "conflict" | "gone" | "refused" | "unknown";
    problem?: {
        code: string;
        detail: string;
        errors: Fault[];
        current?: Fields;
        fields?: string[];
    };
}

export interface Fault {
    field: string;
    code: string;
    message: string;
}

/** An acknowledged write, which can be undone. */
export interface Done {
    seq?: number;
    entry: Entry;
    revision: number;
}

export interface Meta {
    /** The revision up to which the copy has the feed; null before the first snapshot. */
    revision: number | null;
    profile: Profile | null;
    /** When the copy was last known to be in step. */
    synced: string | null;
}

/** Objects by id; null stands for one that is to be removed. */
export type Patch<T> = Map<Id, T | null>;

/** A change of the copy: written in one transaction. */
export interface Delta {
    /** Replace all objects instead of merging. */
    replace?: boolean;
    tasks?: Patch<Task>;
    lists?: Patch<List>;
    filters?: Patch<Filter>;
    reminders?: Patch<Reminder>;
    meta?: Partial<Meta>;
    add?: Entry[];
    put?: Entry[];
    /** Properties of entries that change; the others stay, whatever another tab has made of them. */
    patch?: (Partial<Entry> & { seq?: number })[];
    remove?: Entry[];
    done?: Done[];
}
