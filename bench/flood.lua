-- A flood of wrong sign-ins: half of them for the owner's address, no password twice. With MANY each
-- comes from an address of its own, as a proxy in front would tell it; else all come from one.

local function setting(name) return os.getenv("FLOOD_" .. name) or "" end

local email = setting("EMAIL")
local many = setting("MANY") == "1"
local n = 0

function setup(thread) math.randomseed(tonumber(setting("SEED"))) end

function request()
  n = n + 1
  local who = n % 2 == 0 and email or ("nobody" .. n .. "@example.com")
  local body = "username=" .. who:gsub("@", "%%40") .. "&password=a-wrong-password-" .. n
  local from = ""
  if many then
    from = string.format("X-Forwarded-For: 10.%d.%d.%d\r\n",
      math.random(0, 255), math.random(0, 255), math.random(1, 254))
  end
  return "POST /auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\n" .. from
      .. "Content-Type: application/x-www-form-urlencoded\r\n"
      .. "Content-Length: " .. #body .. "\r\n\r\n" .. body
end
