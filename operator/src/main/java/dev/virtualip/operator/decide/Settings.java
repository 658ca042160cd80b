package dev.virtualip.operator.decide;

import dev.virtualip.operator.watch.DrainTrigger;
import java.util.List;

/**
 * What the operator is told when it starts.
 *
 * @param namespace namespace of the agents, the operator's own
 * @param agentImage image of the agents
 * @param scripts name of the ConfigMap whose scripts the agents may run, or null if they run none
 * @param hostPid whether the agents see the nodes' processes, which process checks need
 * @param openMetrics whether the agents answer from outside their nodes, so that Prometheus can ask
 * @param jsonLogs whether the agents write their logs as JSON
 * @param drainOn by what a node is found to be drained; empty if nodes are left alone
 */
public record Settings(
    String namespace,
    String agentImage,
    String scripts,
    boolean hostPid,
    boolean openMetrics,
    boolean jsonLogs,
    List<DrainTrigger> drainOn) {}
