-- One round of load: a warm-up, a timed window, and a drain, in which every connection waits for
-- its last answer and falls silent, so that what was issued is exactly what was acknowledged.
-- Every number comes from the environment; bench/load.py sets it and reads the line of done().

local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long seconds; long nanoseconds; } instant;
  int clock_gettime(int clock, instant *now);
  int getpid(void);
  int kill(int pid, int signal);
]]
local CLOCK_MONOTONIC, SIGINT = 1, 2
local instant = ffi.new("instant")

local function now()
  ffi.C.clock_gettime(CLOCK_MONOTONIC, instant)
  return tonumber(instant.seconds) + tonumber(instant.nanoseconds) / 1e9
end

local function setting(name) return os.getenv("LOAD_" .. name) or "" end

local kind = setting("KIND")
local token = setting("TOKEN")
local run = setting("RUN")
local first_product = tonumber(setting("FIRST_PRODUCT"))
local products = tonumber(setting("PRODUCTS"))
local hot = setting("HOT") == "1"
local limit = tonumber(setting("LIMIT"))
local warm_seconds = tonumber(setting("WARM_SECONDS"))
local window_seconds = tonumber(setting("WINDOW_SECONDS"))
local connections = tonumber(setting("CONNECTIONS"))
local created_path = setting("CREATED")

-- Read by done() through thread:get(), hence global.
issued, window_issued, window_elapsed, ran_out, silent = 0, 0, 0, 0, 0

local orders, started, window_started, warm_issued, ended

local function head(method, path)
  return method .. " " .. path .. " HTTP/1.1\r\nHost: 127.0.0.1\r\n"
      .. "Authorization: Bearer " .. token .. "\r\n"
end

local make = {}

function make.confirm(n)
  return head("PATCH", "/orders/" .. orders[n] .. "/confirm")
      .. "Idempotency-Key: " .. run .. "-" .. n .. "\r\n\r\n"
end

function make.trivial(n)
  return head("PATCH", "/trivial/" .. n)
      .. "Idempotency-Key: " .. run .. "-" .. n .. "\r\n\r\n"
end

function make.create(n)
  local one = first_product
  if not hot then one = first_product + math.random(0, products - 1) end
  local other = one
  while other == one do other = first_product + math.random(0, products - 1) end
  local body = '{"items": [{"product_id": ' .. one .. ', "quantity": 1}, {"product_id": '
      .. other .. ', "quantity": 1}]}'
  return head("POST", "/orders/create_order") .. "Idempotency-Key: " .. run .. "-" .. n
      .. "\r\nContent-Type: application/json\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
end

function make.list()
  return head("GET", "/products/?limit=50") .. "\r\n"
end

function setup(thread) wrk.bench_thread = thread end

function init()
  math.randomseed(tonumber(setting("SEED")))
  if kind == "confirm" then
    orders = {}
    for id in io.lines(setting("ORDERS")) do orders[#orders + 1] = id end
    limit = #orders
  end
end

local function finish(at)
  ended = at
  window_issued = issued - (warm_issued or 0)
  window_elapsed = at - (window_started or started)
end

local function advance(at)
  if not started then started = at end
  if not window_started and at - started >= warm_seconds then
    window_started, warm_issued = at, issued
  end
  if window_started and at - window_started >= window_seconds then
    finish(at)
  elseif limit and issued >= limit then
    ran_out = 1
    finish(at)
  end
end

-- An empty request is never answered, so a connection asks for it once, when all it sent is done.
local function fall_silent()
  silent = silent + 1
  -- wrk sleeps for the whole duration it was given, unless it is interrupted.
  if silent == connections then ffi.C.kill(ffi.C.getpid(), SIGINT) end
  return ""
end

local verified = false

function request()
  if not verified then
    verified = true -- wrk asks for one request before the first connection, and never sends it
    return "GET / HTTP/1.1\r\n\r\n"
  end
  if not ended then advance(now()) end
  if ended then return fall_silent() end
  issued = issued + 1
  return make[kind](issued)
end

if created_path ~= "" then
  -- Only to prepare orders: a response callback costs more than the rest of this script.
  local created
  function response(status, _, body)
    if status == 201 then
      created = created or assert(io.open(created_path, "w"))
      created:write(body:match('"id":%s*(%d+)'), "\n")
      created:flush()
    end
  end
end

function done(summary)
  local thread, errors = wrk.bench_thread, summary.errors
  io.write(string.format(
    'RESULT {"issued": %d, "window_issued": %d, "window_seconds": %.6f, "ran_out": %d, '
      .. '"silent": %d, "answered": %d, "refused": %d, "broken": %d}\n',
    thread:get("issued"), thread:get("window_issued"), thread:get("window_elapsed"),
    thread:get("ran_out"), thread:get("silent"), summary.requests, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
