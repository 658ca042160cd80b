package dev.virtualip.operator;

/**
 * What the operator is told when it starts.
 *
 * @param namespace namespace of the agents, the operator's own
 * @param agentImage image of the agents
 */
public record Settings(String namespace, String agentImage) {}
