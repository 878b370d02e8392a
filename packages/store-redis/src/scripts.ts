import { createHash } from "node:crypto";

/** A script, and the digest by which a server knows it once it has seen it. */
export interface Script {
  readonly text: string;
  readonly digest: string;
}

function script(text: string): Script {
  return { text, digest: createHash("sha1").update(text).digest("hex") };
}

/**
 * All scripts get KEYS 1, the index, and 2, what precedes the key of a record. The keys of the records follow from these, and
 * have the same text in braces, so that all of them are on one node of a cluster.
 *
 * A record is a hash: value, version, expires (epoch milliseconds; not there on most), and entries, its members of the index.
 */
const shared = `
local index, base = KEYS[1], KEYS[2]

local function drop(key)
  local entries = redis.call('HGET', base .. key, 'entries')
  if entries then
    for _, facet in ipairs(cmsgpack.unpack(entries)) do redis.call('ZREM', index, facet .. key) end
  end
  redis.call('DEL', base .. key)
end
`;

/**
 * ARGV: key, ifVersion, now, channel, value, version, expires or "", the end of what has expired or "", and the facets. The
 * calls of a script are most of its cost, so there are as few as can be: a renewal, which moves dueAt, makes five.
 *
 * Answers 0 where the record is at another version; else 1, or 2 where more may have expired than went now.
 */
export const write = script(`${shared}
local key, ifVersion, now, channel, value, version, expires, swept = unpack(ARGV, 1, 8)
local record = base .. key
local found = redis.call('HMGET', record, 'version', 'expires', 'entries')
local present, expired, before = found[1], found[2], found[3]
if expired and tonumber(expired) <= tonumber(now) then present = false end
if (present or 'absent') ~= ifVersion then return 0 end

local facets = {}
for n = 9, #ARGV do facets[n - 8] = ARGV[n] end
local after = cmsgpack.pack(facets)
-- First what a server short of memory refuses, so that it refuses the whole.
if expires == '' then
  redis.call('HSET', record, 'value', value, 'version', version, 'entries', after)
  if expired then redis.call('HDEL', record, 'expires') end
else
  redis.call('HSET', record, 'value', value, 'version', version, 'entries', after, 'expires', expires)
end
if before ~= after then
  local old = {}
  if before then
    for _, facet in ipairs(cmsgpack.unpack(before)) do old[facet] = true end
  end
  for _, facet in ipairs(facets) do
    if old[facet] then old[facet] = nil else redis.call('ZADD', index, 0, facet .. key) end
  end
  for facet in pairs(old) do redis.call('ZREM', index, facet .. key) end
end

local answer = 1
if swept ~= '' then
  -- A few of the expired records at a time, so that no write pays for many.
  local members = redis.call('ZRANGEBYLEX', index, '[e', '(' .. swept .. '\\255', 'LIMIT', 0, 16)
  for _, member in ipairs(members) do drop(string.sub(member, 18)) end
  if #members == 16 then answer = 2 end
end
redis.call('PUBLISH', channel, key)
return answer
`);

/** ARGV: key, ifVersion, now, channel. */
export const remove = script(`${shared}
local key, ifVersion, now, channel = unpack(ARGV)
local found = redis.call('HMGET', base .. key, 'version', 'expires')
if found[1] ~= ifVersion or (found[2] and tonumber(found[2]) <= tonumber(now)) then return 0 end
drop(key)
redis.call('PUBLISH', channel, key)
return 1
`);

/**
 * A page of the range of the index from ARGV 1, with its bracket, through all that begins with ARGV 2. ARGV 3: the limit; 4:
 * how many members to look at; 5: how many bytes stand before the key; 6: now; from 7 on: further facets of the records.
 *
 * Answers the last member looked at where others follow it, else "", and then key, value and version of each item.
 */
export const page = script(`${shared}
local first, range, limit, most, facet, now = unpack(ARGV, 1, 6)
limit, most, facet, now = tonumber(limit), tonumber(most), tonumber(facet), tonumber(now)
local answer, last = { '' }, ''
for n, member in ipairs(redis.call('ZRANGEBYLEX', index, first, '(' .. range .. '\\255', 'LIMIT', 0, most + 1)) do
  if n > most or #answer > limit * 3 then
    answer[1] = last
    break
  end
  last = member
  local key = string.sub(member, facet + 1)
  local isWanted = true
  for f = 7, #ARGV do isWanted = isWanted and redis.call('ZSCORE', index, ARGV[f] .. key) end
  local found = isWanted and redis.call('HMGET', base .. key, 'value', 'version', 'expires')
  if found and found[1] and not (found[3] and tonumber(found[3]) <= now) then
    answer[#answer + 1] = key
    answer[#answer + 1] = found[1]
    answer[#answer + 1] = found[2]
  end
end
return answer
`);

/** What the server says of its memory and of what it keeps on disk, asked on the node that has the records. */
export const info = script(`return { redis.call('INFO', 'memory'), redis.call('INFO', 'persistence') }`);
