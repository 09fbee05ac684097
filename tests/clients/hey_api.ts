// The walk of the tutorial with @hey-api/openapi-ts.
import assert from "node:assert/strict";
import { createClient } from "./generated/hey-api/client";
import * as api from "./generated/hey-api/sdk.gen";

const baseUrl = process.argv[2]!;
const password = "correct horse battery";

async function logIn(username: string) {
  const client = createClient({ baseUrl });
  const { data } = await api.login({ client, body: { username, password } });
  return createClient({ baseUrl, auth: data!.token });
}

async function walk(username: string) {
  const registered = await api.register({
    client: createClient({ baseUrl }),
    body: { username, email: "alice@example.com", password },
  });
  assert.equal(registered.data!.profile.timezone, "UTC");
  const client = await logIn(username);

  const created = await api.createTask({
    client,
    path: { username },
    headers: { "Idempotency-Key": "create-milk" },
    body: { name: "Milk", due_date: "01/02/2030 09:30:00" },
  });
  assert(created.data && "task" in created.data);
  assert.equal(created.data.task.due_date, "2030-02-01T09:30:00Z");
  const path = { username, id: created.data.task.id };

  const body = { note: "two bottles", due_date: "2030-02-01", completed: true };
  const changed = await api.taskUpdatePatch({ client, path, body });
  assert.equal(changed.data!.task.due_date, "2030-02-01");

  const several = await api.createTask({
    client,
    path: { username },
    body: { tasks: [{ name: "Crème brûlée", due_date: "2030-02-03" }, { name: "Tea" }] },
  });
  assert(several.data && "tasks" in several.data);
  assert.deepEqual(several.data.tasks.map((task) => task.name), ["Crème brûlée", "Tea"]);

  const first = await api.usersTasks({
    client,
    path: { username },
    query: { limit: 2, fields: "name" },
  });
  assert.deepEqual(first.data!.tasks, [{ name: "Milk" }, { name: "Crème brûlée" }]);
  const second = await api.usersTasks({
    client,
    path: { username },
    query: { limit: 2, after: first.data!.after! },
  });
  assert.deepEqual(second.data!.tasks.map((task) => task.name), ["Tea"]);
  const found = await api.usersTasks({
    client,
    path: { username },
    query: { search: "creme", due: "any", sort: "-due_date" },
  });
  assert.deepEqual(found.data!.tasks.map((task) => task.name), ["Crème brûlée"]);

  const stale = await api.taskUpdatePatch({
    client,
    path,
    headers: { "If-Match": '"2"' },
    body: { name: "Oatmilk" },
  });
  assert.equal(stale.response!.status, 412);
  assert(typeof stale.error === "object");
  assert.deepEqual(stale.error.task, changed.data!.task);

  const refused = await api.createTask({
    client,
    path: { username },
    body: { name: "", due_date: "tomorrow" },
  });
  assert(typeof refused.error === "object");
  assert.deepEqual(refused.error.errors!.map((fault) => [fault.pointer, fault.code]), [
    ["/name", "blank"],
    ["/due_date", "date"],
  ]);

  const large = await api.createTask({
    client,
    path: { username },
    body: { name: "Milk", note: "x".repeat(1_100_000) },
  });
  assert(typeof large.error === "object");
  assert.equal(large.error.code, "body_too_large");

  const deleted = await api.deleteTask({ client, path });
  const revision = deleted.data!.revision!;
  const undone = await api.undo({ client, path: { username, revision } });
  assert.equal(undone.data!.undone, 1);

  assert.equal((await api.logout({ client })).data!.msg, "Logged out.");
  const ended = await api.taskDetail({ client, path });
  assert(typeof ended.error === "object");
  assert.equal(ended.error.code, "unauthenticated");
}

async function writeBack(username: string) {
  const client = await logIn(username);
  const { data } = await api.usersTasks({ client, path: { username } });
  for (const { id } of data!.tasks) {
    const path = { username, id: id! };
    const read = await api.taskDetail({ client, path });
    for (const body of [read.data!, read.data!.task]) {
      const written = await api.taskUpdate({ client, path, body });
      assert.equal(written.response!.status, 200);
    }
  }
}

walk("alice").then(() => writeBack("bob"));
