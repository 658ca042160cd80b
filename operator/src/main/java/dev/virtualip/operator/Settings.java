package dev.virtualip.operator;

import java.util.List;

/**
 * What the operator is told when it starts.
 *
 * @param namespace namespace of the agents, the operator's own
 * @param agentImage image of the agents
 * @param drainOn by what a node is found to be drained; empty if nodes are left alone
 */
public record Settings(String namespace, String agentImage, List<DrainTrigger> drainOn) {}
