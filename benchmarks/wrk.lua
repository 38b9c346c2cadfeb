-- Posts bodies by turns, and prints what came of it as one line of JSON.
-- BODY_FILES, one a line, and CONTENT_TYPE come from the environment; without files it is a GET.
-- FRESH_BOUNDARY is the bodies' multipart boundary, if each request is to have one of its own.

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

local function read(path)
    local file = assert(io.open(path, 'rb'))
    local content = file:read('*a')
    file:close()
    return content
end

-- The requests as they are, made once.
local function repeat_all(bodies)
    local made, sent = {}, 0
    for number, body in ipairs(bodies) do
        made[number] = wrk.format(nil, nil, nil, body)
    end
    function request()
        sent = sent + 1
        return made[(sent - 1) % #made + 1]
    end
end

local function renew(bodies, boundary)
    local content_type, pieces, sent = split(wrk.headers['Content-Type'], boundary), {}, 0
    for number, body in ipairs(bodies) do
        pieces[number] = split(body, boundary)
    end
    math.randomseed(os.time())
    local run = string.format('%08x', math.random(0, 2^31 - 1))
    function request()
        sent = sent + 1
        local own = string.format('----------------%s%08x', run, sent)
        return wrk.format(nil, nil, {['Content-Type'] = table.concat(content_type, own)},
                          table.concat(pieces[(sent - 1) % #pieces + 1], own))
    end
end

function init(args)
    not_200 = 0
    local bodies = {}
    for path in (os.getenv('BODY_FILES') or ''):gmatch('[^\n]+') do
        table.insert(bodies, read(path))
    end
    if #bodies == 0 then
        return
    end
    wrk.method = 'POST'
    wrk.headers['Content-Type'] = os.getenv('CONTENT_TYPE')
    local boundary = os.getenv('FRESH_BOUNDARY') or ''
    if boundary ~= '' then
        renew(bodies, boundary)
    else
        repeat_all(bodies)
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
