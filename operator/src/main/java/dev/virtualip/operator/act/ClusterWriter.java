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
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
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

  /**
   * Shortest time between two statuses of which the later {@linkplain StatusPatch#mayWait may
   * wait}: agents report an edit one after the other, and each report changes the list of the
   * others.
   */
  private static final Duration PAUSE = Duration.ofSeconds(1);

  private final KubernetesClient client;
  private final Agents agents;
  private final DnsRecords dns;
  private final Requests requests;
  private final Services services;
  private final Journal journal;
  private final Latest latest;

  /** Conditions by UID as written last. */
  private final Map<String, List<Condition>> written = new HashMap<>();

  /** The last patch sent for each UID, and the version of the object that it was made for. */
  private final Map<String, Sent> sent = new HashMap<>();

  /** When the status of each UID was written last, by the time of the view. */
  private final Map<String, Instant> statusTimes = new HashMap<>();

  private boolean waiting;

  private record Sent(String resourceVersion, String patch) {}

  /**
   * A patch to send.
   *
   * @param subresource what follows the object's path
   * @param done is run when the API server has taken it
   */
  private record Write(HasMetadata object, String subresource, Sent sent, Runnable done) {}

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
    this.latest = latest;
  }

  /** Conditions by UID as written last. */
  public Map<String, List<Condition>> written() {
    return Map.copyOf(written);
  }

  /**
   * Whether a status is to be written in the next pass, within a second, if nothing else changes.
   */
  public boolean isWaiting() {
    return waiting;
  }

  /** Whether Services wait for more of them, so that the next pass is to follow after a moment. */
  public boolean isHolding() {
    return services.isHolding();
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
    var unsent = send(allocations(view, decisions));
    failure = failure == null ? unsent : failure;
    try {
      services.write(decisions.services(), view.now());
    } catch (IOException e) {
      failure = failure == null ? e : failure;
    }
    unsent = send(statuses(view, decisions));
    failure = failure == null ? unsent : failure;
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

  private IOException send(List<Write> writes) throws InterruptedException {
    return Batch.send(writes.stream().map(this::request).toList());
  }

  private List<Write> allocations(ClusterView view, Decisions decisions) {
    var writes = new ArrayList<Write>();
    for (var vip : view.vips()) {
      var name = vip.getMetadata().getName();
      var vrid = decisions.vrids().get(name);
      if (vrid != null) {
        allocate(vip, vrid, decisions.movedVrids().get(name)).ifPresent(writes::add);
      }
    }
    return writes;
  }

  /**
   * The statuses that differ, but for a VirtualIP whose spec this pass has written: its next status
   * follows at once, and each write of many addresses costs the API server much.
   */
  private List<Write> statuses(ClusterView view, Decisions decisions) {
    waiting = false;
    var writes = new ArrayList<Write>();
    for (var vip : view.vips()) {
      var name = vip.getMetadata().getName();
      if (!decisions.vrids().containsKey(name) && !latest.isNewerThan(vip)) {
        write(view, vip, decisions.statuses().get(name)).ifPresent(writes::add);
      }
    }
    for (var pool : view.pools()) {
      write(pool, decisions.pools().get(pool.getMetadata().getName())).ifPresent(writes::add);
    }
    return writes;
  }

  private Callable<Runnable> request(Write write) {
    return () ->
        patched(write)
            ? () -> {
              sent.put(write.object().getMetadata().getUid(), write.sent());
              write.done().run();
            }
            : () -> {};
  }

  /** Nothing if the same was sent for the same version of the object. */
  private Optional<Write> unlessSent(
      HasMetadata object, String subresource, String patch, Runnable done) {
    var sending = new Sent(object.getMetadata().getResourceVersion(), patch);
    return sending.equals(sent.get(object.getMetadata().getUid()))
        ? Optional.empty()
        : Optional.of(new Write(object, subresource, sending, done));
  }

  /**
   * A VRID into the spec, if that is still as it was decided by.
   *
   * @param foreign who uses the one that it has, or null if it has none
   */
  private Optional<Write> allocate(VirtualIp vip, int vrid, String foreign) {
    var patch = JSON.createObjectNode();
    var metadata = patch.putObject("metadata");
    metadata.put("resourceVersion", vip.getMetadata().getResourceVersion());
    var annotations = metadata.putObject("annotations");
    annotations.put(VirtualIp.VRID_ALLOCATED, Integer.toString(vrid));
    if (foreign != null) {
      annotations.put(VirtualIp.VRID_LEFT, vip.getSpec().vrid().toString());
    }
    patch.putObject("spec").put("vrid", vrid);
    return unlessSent(vip, "", patch.toString(), () -> journal.allocated(vip, vrid, foreign));
  }

  private Optional<Write> write(ClusterView view, VirtualIp vip, StatusDecision status) {
    var last = statusTimes.getOrDefault(vip.getMetadata().getUid(), Instant.EPOCH);
    if (view.now().isBefore(last.plus(PAUSE)) && StatusPatch.mayWait(vip, status)) {
      waiting |= StatusPatch.of(vip, status).isPresent();
      return Optional.empty();
    }
    return StatusPatch.of(vip, status)
        .flatMap(
            patch ->
                unlessSent(
                    vip,
                    STATUS,
                    patch,
                    () -> {
                      statusTimes.put(vip.getMetadata().getUid(), view.now());
                      written.put(vip.getMetadata().getUid(), status.conditions());
                      journal.written(vip, view.conditions(vip), status);
                    }));
  }

  private Optional<Write> write(VirtualIpPool pool, VirtualIpPoolStatus status) {
    if (status.equals(pool.getStatus())) {
      return Optional.empty();
    }
    var patch = JSON.createObjectNode().set("status", MergePatch.whole(status)).toString();
    return unlessSent(pool, STATUS, patch, () -> {});
  }

  /** Patches an object; false if it has gone, or has changed and is seen anew soon. */
  private boolean patched(Write write) throws IOException, InterruptedException {
    var name = write.object().getMetadata().getName();
    var path = PATH.formatted(write.object().getPlural(), name) + write.subresource();
    var answer = ApiCall.send(client, "PATCH", path, ApiCall.MERGE_PATCH, write.sent().patch());
    if (answer.code() == HttpURLConnection.HTTP_NOT_FOUND) {
      return false; // deleted meanwhile
    }
    if (answer.code() == HttpURLConnection.HTTP_CONFLICT) {
      return false; // an agent has spoken for itself meanwhile, which is seen soon: decide anew
    }
    if (!answer.ok()) {
      throw new IOException("%s%s not written: %s".formatted(name, write.subresource(), answer));
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
    statusTimes.keySet().retainAll(uids);
  }
}
