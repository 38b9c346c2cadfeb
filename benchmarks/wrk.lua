-- Posts one body again and again, and prints what came of it as one line of JSON.
-- BODY_FILE and CONTENT_TYPE come from the environment; without a BODY_FILE it is a GET.
-- FRESH_BOUNDARY is the body's multipart boundary, if each request is to have one of its own.

local threads = {}

function setup(thread)
    table.insert(threads, thread)
end

-- What lies around each `separator`.
local function split(text, separator)
    local pieces, from = {}, 1
    local first, last = text:find(separator, from, true)
    while first do
        table.insert(pieces, text:sub(from, first - 1))
        from = last + 1
        first, last = text:find(separator, from, true)
    end
    table.insert(pieces, text:sub(from))
    return pieces
end

local function renew(boundary)
    local body, content_type = split(wrk.body, boundary), split(wrk.headers['Content-Type'], boundary)
    local sent = 0
    math.randomseed(os.time())
    local run = string.format('%08x', math.random(0, 2^31 - 1))
    function request()
        sent = sent + 1
        local own = string.format('----------------%s%08x', run, sent)
        return wrk.format(nil, nil, {['Content-Type'] = table.concat(content_type, own)},
                          table.concat(body, own))
    end
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
    local boundary = os.getenv('FRESH_BOUNDARY') or ''
    if boundary ~= '' then
        renew(boundary)
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
