// The walk of the tutorial with openapi-typescript and openapi-fetch.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { paths } from "./generated/openapi-typescript";

const baseUrl = process.argv[2]!;
const password = "correct horse battery";

async function logIn(username: string) {
  const client = createClient<paths>({ baseUrl });
  const { data } = await client.POST("/api/v1/accounts/login", { body: { username, password } });
  const Authorization = `Bearer ${data!.token}`;
  return createClient<paths>({ baseUrl, headers: { Authorization } });
}

async function walk(username: string) {
  const anonymous = createClient<paths>({ baseUrl });
  const registered = await anonymous.POST("/api/v1/accounts", {
    body: { username, email: "alice@example.com", password },
  });
  assert.equal(registered.data!.profile.timezone, "UTC");
  const client = await logIn(username);

  const created = await client.POST("/api/v1/accounts/{username}/tasks", {
    params: { path: { username }, header: { "Idempotency-Key": "create-milk" } },
    body: { name: "Milk", due_date: "01/02/2030 09:30:00" },
  });
  assert(created.data && "task" in created.data);
  assert.equal(created.data.task.due_date, "2030-02-01T09:30:00Z");
  const path = { username, id: created.data.task.id };

  const changed = await client.PATCH("/api/v1/accounts/{username}/tasks/{id}", {
    params: { path },
    body: { note: "two bottles", due_date: "2030-02-01", completed: true },
  });
  assert.equal(changed.data!.task.due_date, "2030-02-01");

  const several = await client.POST("/api/v1/accounts/{username}/tasks", {
    params: { path: { username } },
    body: { tasks: [{ name: "Crème brûlée", due_date: "2030-02-03" }, { name: "Tea" }] },
  });
  assert(several.data && "tasks" in several.data);
  assert.deepEqual(several.data.tasks.map((task) => task.name), ["Crème brûlée", "Tea"]);

  const first = await client.GET("/api/v1/accounts/{username}/tasks", {
    params: { path: { username }, query: { limit: 2, fields: "name" } },
  });
  assert.deepEqual(first.data!.tasks, [{ name: "Milk" }, { name: "Crème brûlée" }]);
  const second = await client.GET("/api/v1/accounts/{username}/tasks", {
    params: { path: { username }, query: { limit: 2, after: first.data!.after! } },
  });
  assert.deepEqual(second.data!.tasks.map((task) => task.name), ["Tea"]);
  assert.equal(second.data!.after, null);
  const found = await client.GET("/api/v1/accounts/{username}/tasks", {
    params: { path: { username }, query: { search: "creme", due: "any", sort: "-due_date" } },
  });
  assert.deepEqual(found.data!.tasks.map((task) => task.name), ["Crème brûlée"]);

  const stale = await client.PATCH("/api/v1/accounts/{username}/tasks/{id}", {
    params: { path, header: { "If-Match": '"2"' } },
    body: { name: "Oatmilk" },
  });
  assert.equal(stale.response.status, 412);
  assert(typeof stale.error === "object");
  assert.deepEqual(stale.error.task, changed.data!.task);

  const refused = await client.POST("/api/v1/accounts/{username}/tasks", {
    params: { path: { username } },
    body: { name: "", due_date: "tomorrow" },
  });
  assert(typeof refused.error === "object");
  assert.deepEqual(refused.error.errors!.map((fault) => [fault.pointer, fault.code]), [
    ["/name", "blank"],
    ["/due_date", "date"],
  ]);

  const large = await client.POST("/api/v1/accounts/{username}/tasks", {
    params: { path: { username } },
    body: { name: "Milk", note: "x".repeat(1_100_000) },
  });
  assert(typeof large.error === "object");
  assert.equal(large.error.code, "body_too_large");

  const deleted = await client.DELETE("/api/v1/accounts/{username}/tasks/{id}", {
    params: { path },
  });
  const undone = await client.POST("/api/v1/accounts/{username}/changes/{revision}/undo", {
    params: { path: { username, revision: deleted.data!.revision! } },
  });
  assert.equal(undone.data!.undone, 1);

  assert.equal((await client.POST("/api/v1/accounts/logout")).data!.msg, "Logged out.");
  const ended = await client.GET("/api/v1/accounts/{username}/tasks/{id}", { params: { path } });
  assert(typeof ended.error === "object");
  assert.equal(ended.error.code, "unauthenticated");
}

async function writeBack(username: string) {
  const client = await logIn(username);
  const { data } = await client.GET("/api/v1/accounts/{username}/tasks", {
    params: { path: { username } },
  });
  for (const { id } of data!.tasks) {
    const params = { path: { username, id: id! } };
    const read = await client.GET("/api/v1/accounts/{username}/tasks/{id}", { params });
    for (const body of [read.data!, read.data!.task]) {
      const written = await client.PUT("/api/v1/accounts/{username}/tasks/{id}", { params, body });
      assert.equal(written.response.status, 200);
    }
  }
}

walk("alice").then(() => writeBack("bob"));
