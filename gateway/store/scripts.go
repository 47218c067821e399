package store

import "github.com/gomodule/redigo/redis"

// replyLength is how many numbers each script answers with.
const replyLength = 4

// scripts are what runs inside Redis: each is atomic, takes one round trip, and
// goes by the clock of Redis. The client asks for them by their hash and sends
// the text only to a Redis that does not know it. A counter is two numbers, the
// amount and what mutes the next refusal, under a key that always expires.
type scripts struct{ window, smooth, memory, restore *redis.Script }

func newScripts() scripts {
	return scripts{
		window: redis.NewScript(1, windowScript), smooth: redis.NewScript(1, smoothScript),
		memory: redis.NewScript(1, memoryScript), restore: redis.NewScript(-1, restoreScript),
	}
}

// windowScript counts in a window that begins with its first request.
// ARGV: requests allowed, length in ms. It answers: allowed, used, ms until the
// window ends, whether this is its first refusal.
const windowScript = `
local limit, left = tonumber(ARGV[1]), tonumber(ARGV[2])
local used, muted, running = 0, '0', false
local kept, rest = redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1])
if kept and rest > 0 then
  used, muted = string.match(kept, '^(%d+) (%d+)$')
  used = tonumber(used)
  running = rest <= left
  if running then left = rest end
end
local allowed, first = 0, 0
if used < limit then
  used, allowed = used + 1, 1
elseif muted == '0' then
  muted, first = '1', 1
else
  if not running then redis.call('PEXPIRE', KEYS[1], left) end
  return {0, used, left, 0}
end
local value = string.format('%.0f', used) .. ' ' .. muted
if running then
  redis.call('SET', KEYS[1], value, 'KEEPTTL')
else
  redis.call('SET', KEYS[1], value, 'PX', left)
end
return {allowed, used, left, first}
`

// smoothScript is GCRA. Times are µs since November 2023, so that they have fractions.
// ARGV: interval, tolerance, mute, each in µs. It answers 1, µs until nothing is
// used any more, how many more would be allowed, the theoretical arrival time;
// or 0, µs until nothing is used any more, µs until the next is allowed, whether
// this is the first refusal of late.
const smoothScript = `
local interval, tolerance, span = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = (clock[1] - 1700000000) * 1000000 + clock[2]
local tat, mute = 0, 0
local kept = redis.call('GET', KEYS[1])
if kept then
  tat, mute = string.match(kept, '^(%S+) (%S+)$')
  tat, mute = math.min(tonumber(tat), now + tolerance), math.min(tonumber(mute), now + span)
end
local ahead = math.max(tat, now) + interval - now
local reply
if ahead <= tolerance + 0.1 then
  tat = now + ahead
  reply = {1, math.floor(ahead + 0.5), math.floor((tolerance - ahead) / interval + 0.01), math.floor(tat + 0.5)}
else
  reply = {0, math.ceil(tat - now), math.ceil(ahead - tolerance), 0}
  if mute > now then return reply end
  mute, reply[4] = now + span, 1
end
local rest = math.ceil((math.max(tat, mute) - now) / 1000)
redis.call('SET', KEYS[1], string.format('%.3f %.0f', tat, mute), 'PX', math.max(rest, 1))
return reply
`

// memoryScript tells since when Redis remembers, and begins if it does not.
// ARGV: for how long, in ms. It answers: since when, and now, in ms; what is
// beyond a ms; 0.
const memoryScript = `
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local since = redis.call('GET', KEYS[1]) or string.format('%.0f', now)
redis.call('SET', KEYS[1], since, 'PX', ARGV[1])
return {tonumber(since), now, clock[2] % 1000, 0}
`

// restoreScript raises counters to what a copy has seen of them.
// ARGV: amount and ms to live, for each key.
const restoreScript = `
for i, key in ipairs(KEYS) do
  local amount = ARGV[2 * i - 1]
  local kept = redis.call('GET', key)
  if not kept or tonumber(string.match(kept, '^%S+')) < tonumber(amount) then
    redis.call('SET', key, amount .. ' 0', 'PX', ARGV[2 * i])
  end
end
return {#KEYS, 0, 0, 0}
`
