package dev.virtualip.operator.decide;

import dev.virtualip.operator.watch.DrainTrigger;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import java.util.List;

/**
 * The operator's settings from its command line.
 *
 * @param namespace namespace of the agents, the operator's own
 * @param agentImage image of the agents
 * @param scripts name of the ConfigMap whose scripts the agents may run, or null if they run none
 * @param hostPid whether the agents see the nodes' processes, which process checks need
 * @param openMetrics whether the agents serve their metrics to clients outside their nodes, such as
 *     Prometheus
 * @param resources requests and limits of an agent, or null for those of its template
 * @param jsonLogs whether the agents write their logs as JSON
 * @param drainOn triggers by which a node counts as drained; empty to ignore drains
 * @param servicesWithoutClass whether Services of type LoadBalancer without a class are served too
 */
public record Settings(
    String namespace,
    String agentImage,
    String scripts,
    boolean hostPid,
    boolean openMetrics,
    ResourceRequirements resources,
    boolean jsonLogs,
    List<DrainTrigger> drainOn,
    boolean servicesWithoutClass) {}
