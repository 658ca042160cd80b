package dev.virtualip.operator.act;

import dev.virtualip.operator.decide.AgentDaemonSet;
import dev.virtualip.operator.decide.Settings;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.net.HttpURLConnection;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Applies the agents' DaemonSet, and replaces outdated agent pods. The DaemonSet has no owner: an
 * operator that is gone is no reason to take addresses off nodes.
 */
public final class Agents {
  private static final Logger LOG = LoggerFactory.getLogger(Agents.class);
  private static final String FIELD_MANAGER = "virtualip-operator";

  private final KubernetesClient client;
  private final Settings settings;

  /** The nodes of the DaemonSet that was applied last; to make one for each pass costs more. */
  private Set<String> appliedTo = Set.of();

  private Long appliedGeneration;
  private String deletedPod;

  public Agents(KubernetesClient client, Settings settings) {
    this.client = client;
    this.settings = settings;
  }

  /**
   * Applies or deletes the DaemonSet if it differs from the desired one.
   *
   * @param nodes the nodes that need an agent
   * @param current the DaemonSet as last seen, or null
   */
  public void sync(TreeSet<String> nodes, DaemonSet current) {
    if (nodes.isEmpty()) {
      delete(current);
    } else if (!nodes.equals(appliedTo) || !isAsApplied(current)) {
      apply(nodes);
    }
  }

  private boolean isAsApplied(DaemonSet current) {
    return current != null
        && Objects.equals(current.getMetadata().getGeneration(), appliedGeneration);
  }

  private void delete(DaemonSet current) {
    appliedTo = Set.of();
    if (current != null && !current.isMarkedForDeletion()) {
      LOG.info("agents_deleted reason=NoNodeSelected");
      client.resource(current).delete();
    }
  }

  private void apply(TreeSet<String> nodes) {
    var applied =
        client
            .resource(AgentDaemonSet.desired(settings, nodes))
            .fieldManager(FIELD_MANAGER)
            .forceConflicts()
            .serverSideApply();
    appliedGeneration = applied.getMetadata().getGeneration();
    if (!nodes.equals(appliedTo)) {
      LOG.info("agents_applied image={} generation={}", settings.agentImage(), appliedGeneration);
    }
    appliedTo = Set.copyOf(nodes);
  }

  /**
   * Deletes an agent's pod, if it has not changed since it was seen; its replacement has the
   * present template. The pod deleted last is not deleted twice, as the cache may still show it.
   */
  public void replace(Pod pod) {
    var uid = pod.getMetadata().getUid();
    if (uid.equals(deletedPod)) {
      return;
    }
    try {
      client.resource(pod).lockResourceVersion(pod.getMetadata().getResourceVersion()).delete();
    } catch (KubernetesClientException e) {
      if (e.getCode() == HttpURLConnection.HTTP_CONFLICT) {
        return; // it has changed: decide anew
      }
      throw e;
    }
    deletedPod = uid;
    LOG.info(
        "agent_replaced pod={} node={}", pod.getMetadata().getName(), pod.getSpec().getNodeName());
  }
}
