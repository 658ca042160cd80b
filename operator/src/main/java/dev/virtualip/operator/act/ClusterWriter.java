package dev.virtualip.operator.act;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpPool;
import dev.virtualip.crds.schema.VirtualIpPoolStatus;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.kube.ApiCall;
import dev.virtualip.kube.MergePatch;
import dev.virtualip.operator.decide.Decisions;
import dev.virtualip.operator.decide.Settings;
import dev.virtualip.operator.decide.StatusDecision;
import dev.virtualip.operator.watch.ClusterView;
import dev.virtualip.operator.watch.Latest;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Writes what was decided into the cluster: requests to nodes, the status of all VirtualIPs, the
 * agents, and DNS records. It remembers only what it has sent, because the cache lags behind. Used
 * by one thread.
 */
public final class ClusterWriter {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String PATH =
      "apis/" + HasMetadata.getApiVersion(VirtualIp.class) + "/%s/%s";

  private static final String STATUS = "/status";

  private final KubernetesClient client;
  private final Agents agents;
  private final DnsRecords dns;
  private final Requests requests;
  private final Services services;
  private final Journal journal;

  /** Conditions by UID as written last. */
  private final Map<String, List<Condition>> written = new HashMap<>();

  /** The last patch sent for each UID, and the version of the object that it was made for. */
  private final Map<String, Sent> sent = new HashMap<>();

  private record Sent(String resourceVersion, String patch) {}

  /**
   * @param latest is told of VirtualIPs and Services that were written
   */
  public ClusterWriter(KubernetesClient client, Settings settings, Journal journal, Latest latest) {
    this.client = client;
    this.agents = new Agents(client, settings);
    this.dns = new DnsRecords(client, settings.namespace());
    this.requests = new Requests(client, settings.namespace());
    this.services = new Services(client, journal, latest);
    this.journal = journal;
  }

  /** Conditions by UID as written last. */
  public Map<String, List<Condition>> written() {
    return Map.copyOf(written);
  }

  /** The present requests to nodes, see {@link Requests#read}. */
  public Optional<Map<String, VirtualIpStatus>> requests() {
    return requests.read();
  }

  /**
   * Writes the differences. A failure for one VirtualIP does not affect the others; but then no
   * agent is replaced.
   *
   * @throws IOException the first failure, after all writes were tried
   */
  public void write(ClusterView view, Decisions decisions)
      throws IOException, InterruptedException {
    IOException failure = null;
    try {
      requests.write(decisions.statuses());
    } catch (IOException e) {
      failure = e;
    }
    for (var vip : view.vips()) {
      try {
        write(view, vip, decisions);
      } catch (IOException e) {
        failure = Objects.requireNonNullElse(failure, e);
      }
    }
    for (var pool : view.pools()) {
      try {
        write(pool, decisions.pools().get(pool.getMetadata().getName()));
      } catch (IOException e) {
        failure = Objects.requireNonNullElse(failure, e);
      }
    }
    try {
      services.write(decisions.services(), view.now());
    } catch (IOException e) {
      failure = Objects.requireNonNullElse(failure, e);
    }
    forget(view);
    agents.sync(decisions.placement(), view.daemonSet());
    dns.sync(decisions.dns());
    if (decisions.turn().replace() != null && failure == null) {
      agents.replace(decisions.turn().replace());
    }
    if (failure != null) {
      throw failure;
    }
  }

  private void write(ClusterView view, VirtualIp vip, Decisions decisions)
      throws IOException, InterruptedException {
    var name = vip.getMetadata().getName();
    var vrid = decisions.vrids().get(name);
    if (vrid == null) {
      write(view, vip, decisions.statuses().get(name));
    } else {
      allocate(vip, vrid);
    }
  }

  /** Writes a VRID into the spec, if that is still as it was decided by. */
  private void allocate(VirtualIp vip, int vrid) throws IOException, InterruptedException {
    var patch = JSON.createObjectNode();
    patch.putObject("metadata").put("resourceVersion", vip.getMetadata().getResourceVersion());
    patch.putObject("spec").put("vrid", vrid);
    var sending = new Sent(vip.getMetadata().getResourceVersion(), patch.toString());
    var uid = vip.getMetadata().getUid();
    if (!sending.equals(sent.get(uid)) && patched(vip, "", patch.toString())) {
      sent.put(uid, sending);
      journal.allocated(vip, vrid);
    }
  }

  private void write(ClusterView view, VirtualIp vip, StatusDecision status)
      throws IOException, InterruptedException {
    var patch = StatusPatch.of(vip, status);
    var uid = vip.getMetadata().getUid();
    var sending = new Sent(vip.getMetadata().getResourceVersion(), patch.orElse(""));
    if (patch.isEmpty() || sending.equals(sent.get(uid))) {
      return;
    }
    if (patched(vip, STATUS, patch.get())) {
      written.put(uid, status.conditions());
      sent.put(uid, sending);
      journal.written(vip, view.conditions(vip), status);
    }
  }

  private void write(VirtualIpPool pool, VirtualIpPoolStatus status)
      throws IOException, InterruptedException {
    if (status.equals(pool.getStatus())) {
      return;
    }
    var patch = JSON.createObjectNode().set("status", MergePatch.whole(status)).toString();
    var uid = pool.getMetadata().getUid();
    var sending = new Sent(pool.getMetadata().getResourceVersion(), patch);
    if (!sending.equals(sent.get(uid)) && patched(pool, STATUS, patch)) {
      sent.put(uid, sending);
    }
  }

  /** Patches an object; false if it has gone, or has changed and is seen anew soon. */
  private boolean patched(HasMetadata object, String subresource, String patch)
      throws IOException, InterruptedException {
    var name = object.getMetadata().getName();
    var path = PATH.formatted(object.getPlural(), name) + subresource;
    var answer = ApiCall.send(client, "PATCH", path, ApiCall.MERGE_PATCH, patch);
    if (answer.code() == HttpURLConnection.HTTP_NOT_FOUND) {
      return false; // deleted meanwhile
    }
    if (answer.code() == HttpURLConnection.HTTP_CONFLICT) {
      return false; // an agent has spoken for itself meanwhile, which is seen soon: decide anew
    }
    if (!answer.ok()) {
      throw new IOException("%s%s not written: %s".formatted(name, subresource, answer));
    }
    return true;
  }

  private void forget(ClusterView view) {
    var uids =
        Stream.concat(view.vips().stream(), view.pools().stream())
            .map(object -> object.getMetadata().getUid())
            .collect(Collectors.toSet());
    written.keySet().retainAll(uids);
    sent.keySet().retainAll(uids);
  }
}
