-- Health of a VirtualIP for Argo CD. See docs/gitops.md.
local health = {status = "Progressing", message = "the operator has not looked at it yet"}
if obj.status == nil or obj.status.conditions == nil
    or obj.status.observedGeneration ~= obj.metadata.generation then
  return health
end
local found = {}
for _, condition in ipairs(obj.status.conditions) do
  found[condition.type] = condition
end
-- These first: what is Ready may still hurt.
for _, bad in ipairs({
  "Stalled", "MultipleMasters", "VridConflict", "StrayAddresses", "QuorumLost", "HeartbeatLost"
}) do
  local condition = found[bad]
  if condition ~= nil and condition.status == "True" then
    return {status = "Degraded", message = condition.reason .. ": " .. condition.message}
  end
end
local ready = found["Ready"]
local reconciling = found["Reconciling"]
if reconciling ~= nil and reconciling.status == "True" then
  health.message = reconciling.reason .. ": " .. reconciling.message
elseif ready ~= nil and ready.status == "True" then
  health = {status = "Healthy", message = ready.message}
elseif ready ~= nil then
  health = {status = "Degraded", message = ready.reason .. ": " .. ready.message}
end
return health
