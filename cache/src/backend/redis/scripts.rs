//! What the server runs as one step, each in one round trip, because another client could come
//! between its parts.
//!
//! Each is sent by its hash; a server that was flushed or restarted gets the text again. They name
//! values and leases from the members of tag sets, so all of them must lie on one server, in a Cluster
//! in one slot. While a slot is moved, a script may break off at any name that has gone already: each
//! does first what must not be lost.

use redis::Script as Hashed;
use std::sync::LazyLock;

/// A script's text and the hash by which the server knows it.
pub(super) struct Script {
    pub(super) text: &'static str,
    pub(super) hash: String,
}

impl Script {
    fn new(text: &'static str) -> Self {
        Self { text, hash: Hashed::new(text).get_hash().to_owned() }
    }
}

/// KEYS lease, epoch, tag sets. ARGV token, life in ms, key. 1 if the lease was taken. A lease of
/// another epoch is void, and so in nobody's way.
pub(super) static CLAIM: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local epoch = redis.call('GET', KEYS[2]) or ''
local held = redis.call('GET', KEYS[1])
if held and string.match(held, ':(.*)$') == epoch then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. ':' .. epoch, 'PX', ARGV[2])
for i = 3, #KEYS do
  redis.call('SADD', KEYS[i], ARGV[3])
  if redis.call('PTTL', KEYS[i]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[i], ARGV[2]) end
end
return 1",
    )
});

/// KEYS value, lease, epoch, tag sets. ARGV token or nothing for "whatever holds", life in ms, key,
/// namespace, channel or nothing, payload. 1 if stored.
///
/// A tag set lives as long as its longest member. Each addition looks at two random members and drops
/// those whose value has gone, so that in the long run at most about half of a set is dead.
pub(super) static STORE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if ARGV[1] ~= '' then
  local now = ARGV[1] .. ':' .. (redis.call('GET', KEYS[3]) or '')
  if redis.call('GET', KEYS[2]) ~= now then return 0 end
end
redis.call('SET', KEYS[1], ARGV[6], 'PX', ARGV[2])
redis.call('UNLINK', KEYS[2])
for i = 4, #KEYS do
  redis.call('SADD', KEYS[i], ARGV[3])
  if redis.call('PTTL', KEYS[i]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[i], ARGV[2]) end
  for _, member in ipairs(redis.call('SRANDMEMBER', KEYS[i], 2)) do
    if redis.pcall('EXISTS', ARGV[4] .. member, ARGV[4] .. '%lease:' .. member) == 0 then
      redis.call('SREM', KEYS[i], member)
    end
  end
end
if ARGV[5] ~= '' then redis.call('PUBLISH', ARGV[5], ARGV[3]) end
return 1",
    )
});

/// KEYS lease. ARGV token.
pub(super) static RENOUNCE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local lease = redis.call('GET', KEYS[1])
if lease and string.sub(lease, 1, #ARGV[1] + 1) == ARGV[1] .. ':' then redis.call('UNLINK', KEYS[1]) end
return 1",
    )
});

/// KEYS value, lease. ARGV key, channel or nothing. How many values were removed.
pub(super) static DELETE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "redis.call('UNLINK', KEYS[2])
local removed = redis.call('UNLINK', KEYS[1])
if ARGV[2] ~= '' then redis.call('PUBLISH', ARGV[2], ARGV[1]) end
return removed",
    )
});

/// KEYS tag set, swept set. ARGV namespace, members per call, channel or nothing, 1 to begin.
/// Values removed, members left, 1 if this call began the sweep.
///
/// The set is first renamed, so that what others add meanwhile makes no sweep endless, and a sweep
/// that broke off is finished by the next one. Members go last, when their values have gone.
pub(super) static SWEEP: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local began = 0
if ARGV[4] == '1' and redis.call('EXISTS', KEYS[2]) == 0 then
  if redis.call('EXISTS', KEYS[1]) == 0 then return {0, 0, 1} end
  redis.call('RENAME', KEYS[1], KEYS[2])
  began = 1
end
local members = redis.call('SRANDMEMBER', KEYS[2], ARGV[2])
if #members == 0 then return {0, 0, began} end
local values, leases = {}, {}
for i, member in ipairs(members) do
  values[i] = ARGV[1] .. member
  leases[i] = ARGV[1] .. '%lease:' .. member
end
redis.call('UNLINK', unpack(leases))
local removed = redis.call('UNLINK', unpack(values))
redis.call('SREM', KEYS[2], unpack(members))
if ARGV[3] ~= '' then redis.call('PUBLISH', ARGV[3], table.concat(members, ' ')) end
return {removed, redis.call('SCARD', KEYS[2]), began}",
    )
});
