-- The requests of one job, for wrk: wrk ... -s jobs.lua URL -- JOB FILE NUMBER
--
-- FILE has one account per line: token, path of the tasks, ETag or "-", ids of the tasks.
-- NUMBER counts the "complete" requests of earlier runs. Each pass over the tasks completes or
-- reopens all of them, so every request changes a task.

local GROUP = 20 -- accounts
local TASKS = 50 -- of each account
local first = { read = 0, mix = GROUP, write = 2 * GROUP } -- the first account of each group

local NEW = '{"name": "Water the plants in room 7", "due_date": "2030-02-01T09:30:00Z", '
    .. '"note": "One litre each, and two in summer, before the sun is on them"}'

local accounts = {}
local counts = {}
local threads = {}

function setup(thread)
    table.insert(threads, thread)
end

local function read(file)
    for line in io.lines(file) do
        local token, path, etag, ids = line:match("^(%S+) (%S+) (%S+) (.*)$")
        local account = { path = path, etag = etag, ids = {}, authorization = "Bearer " .. token }
        for id in ids:gmatch("%d+") do
            table.insert(account.ids, id)
        end
        table.insert(accounts, account)
    end
end

-- Consecutive requests use different accounts, like the requests of real users.
local function account_of(group, number)
    return accounts[first[group] + number % GROUP + 1]
end

local function task_path(group, number)
    local account = account_of(group, number)
    return account.path .. "/" .. account.ids[math.floor(number / GROUP) % TASKS + 1]
end

local function send(account, method, path, body, etag)
    return wrk.format(method, path, {
        ["Authorization"] = account.authorization,
        ["Content-Type"] = body and "application/json",
        ["If-None-Match"] = etag,
    }, body)
end

local step = {}

function step.list(number, group)
    local account = account_of(group or "read", number)
    return send(account, "GET", account.path)
end

function step.one(number, group)
    group = group or "read"
    return send(account_of(group, number), "GET", task_path(group, number))
end

function step.unchanged(number)
    local account = account_of("read", number)
    return send(account, "GET", account.path, nil, account.etag)
end

-- New tasks go to accounts that are never listed, so that all lists keep their 50 tasks.
function step.create(number)
    local account = account_of("write", number)
    return send(account, "POST", account.path, NEW)
end

function step.complete(number, group)
    group = group or "write"
    local completed = math.floor(number / (GROUP * TASKS)) % 2 == 0
    local body = '{"completed": ' .. tostring(completed) .. "}"
    return send(account_of(group, number), "PATCH", task_path(group, number), body)
end

-- 80 % reads and 20 % writes.
local MIX = { "list", "one", "list", "one", "create", "list", "one", "list", "one", "complete" }

function init(args)
    job = args[1]
    read(args[2])
    for name in pairs(step) do
        counts[name] = 0
    end
    completed = tonumber(args[3])
    if job == "complete" then
        -- At its start, wrk calls request() once without sending the result.
        completed = completed - 1
    end
    turn = 0
end

function request()
    local name, group = job, nil
    if job == "mix" then
        turn = turn + 1
        name, group = MIX[(turn - 1) % #MIX + 1], "mix"
    end
    if name == "complete" then
        completed = completed + 1
        return step.complete(completed - 1, group)
    end
    counts[name] = counts[name] + 1
    return step[name](counts[name], group)
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "refused": %d, "broken": %d, '
            .. '"completed": %d}\n',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
        errors.status, errors.connect + errors.read + errors.write + errors.timeout,
        threads[1]:get("completed")
    ))
end
