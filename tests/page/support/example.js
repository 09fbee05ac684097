/** An account as a person has it after some weeks. */

const DAY_MS = 86_400_000;

/** @param {number} days from today @returns {string} a day, in UTC */
const day = (days) => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10);

/**
 * Register an account, and give it lists, tasks and a filter.
 *
 * @param {import("./service.js").Service} service
 * @param {string} username
 * @returns {Promise<string>} its token
 */
export async function fillAccount(service, username) {
    const token = await service.register(username);
    const account = `accounts/${username}`;
    /** @param {string} path @param {object} body */
    const post = (path, body) => service.send("POST", `${account}/${path}`, body, token);

    const lists = [
        { name: "Groceries", color: "#2e7d32" },
        { name: "House and garden", color: "#8e24aa" },
        { name: "Work", color: "#1565c0" },
    ];
    const ids = [];
    for (const list of lists) {
        ids.push((await post("lists", list)).list.id);
    }
    const [groceries, house, work] = ids;
    const tasks = [
        {
            name: "Call the dentist",
            due_date: day(0),
            priority: 1,
            labels: ["phone"],
            note: "Ask about the appointment in spring: https://dentist.example.com/",
        },
        {
            name: "Water the plants",
            due_date: day(0),
            list_id: house,
            recurrence: "FREQ=DAILY;INTERVAL=3",
        },
        { name: "Pay the electricity bill", due_date: day(-2), priority: 5 },
        { name: "Oat milk", list_id: groceries, labels: ["home"] },
        { name: "Bread", list_id: groceries },
        { name: "Tomatoes", list_id: groceries, completed: true },
        {
            name: "Prepare the presentation",
            list_id: work,
            due_date: `${day(1)}T09:30:00Z`,
            priority: 1,
        },
        {
            name: "Book train tickets",
            due_date: day(3),
            labels: ["home"],
            reminders: [{ before: "P1D" }],
        },
        { name: "Birthday present for a friend", due_date: day(5) },
        { name: "Paint the fence", list_id: house, labels: ["home"] },
        { name: "Read a novel", labels: ["home"] },
        { name: "Old list of wishes" },
    ];
    const stored = (await post("tasks", { tasks })).tasks;
    const fence = stored.find((/** @type {any} */ task) => task.name === "Paint the fence");
    for (const name of ["Buy paint", "Sand the wood"]) {
        await post("tasks", { name, parent_id: fence.id, completed: name === "Buy paint" });
    }
    await post("filters", { name: "Urgent", query: "priority=high&completed=false" });
    await service.send("DELETE", `${account}/tasks/${stored.at(-1).id}`, undefined, token);
    return token;
}
