-- Posts one body again and again, and prints what came of it as one line of JSON.
-- BODY_FILE and CONTENT_TYPE come from the environment; without a BODY_FILE it is a GET.

local threads = {}

function setup(thread)
    table.insert(threads, thread)
end

function init(args)
    not_200 = 0
    local path = os.getenv('BODY_FILE')
    if path then
        local file = assert(io.open(path, 'rb'))
        wrk.method = 'POST'
        wrk.body = file:read('*a')
        wrk.headers['Content-Type'] = os.getenv('CONTENT_TYPE')
        file:close()
    end
end

function response(status, headers, body)
    if status ~= 200 then
        not_200 = not_200 + 1
    end
end

function done(summary, latency, requests)
    local failed = 0
    for _, thread in ipairs(threads) do
        failed = failed + thread:get('not_200')
    end
    local errors = summary.errors
    print(string.format(
        'JSON {"requests": %d, "duration_us": %d, "p50_us": %d, "p99_us": %d, '
        .. '"not_200": %d, "socket_errors": %d}',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
        failed, errors.connect + errors.read + errors.write + errors.timeout))
end
