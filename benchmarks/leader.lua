-- Requests from a file, for wrk: wrk ... -s leader.lua URL -- FILE NUMBER
--
-- FILE has one request per line: method, path, token, ETag or "-", body or "-", between tabs. The
-- requests begin after the first NUMBER, and start over at the end of the file. Each write has a new
-- Idempotency-Key.

local requests = {}
local sent = 0

function init(args)
    for line in io.lines(args[1]) do
        local method, path, token, etag, body = line:match("^(.-)\t(.-)\t(.-)\t(.-)\t(.*)$")
        local headers = { ["Authorization"] = "Bearer " .. token }
        if etag ~= "-" then
            headers["If-None-Match"] = etag
        end
        if body ~= "-" then
            headers["Content-Type"] = "application/json"
        end
        table.insert(requests, { method, path, headers, body ~= "-" and body or nil })
    end
    -- At its start, wrk calls request() once without sending the result.
    sent = tonumber(args[2]) - 1
    run = string.format("%x-%x", os.time(), math.floor(os.clock() * 1e9) + tonumber(args[2]))
end

function request()
    sent = sent + 1
    local method, path, headers, body = unpack(requests[sent % #requests + 1])
    if body then
        headers["Idempotency-Key"] = run .. "-" .. sent
    end
    return wrk.format(method, path, headers, body)
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "failed": %d}\n',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
        errors.status + errors.connect + errors.read + errors.write + errors.timeout
    ))
end
