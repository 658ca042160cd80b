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
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
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

  /** Patches that are under way at the same time: what an API server grants a client anyway. */
  private static final int AT_ONCE = 8;

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
    var writes = new ArrayList<Write>();
    view.vips().forEach(vip -> write(view, vip, decisions).ifPresent(writes::add));
    view.pools()
        .forEach(
            pool ->
                write(pool, decisions.pools().get(pool.getMetadata().getName()))
                    .ifPresent(writes::add));
    var unsent = send(writes);
    failure = failure == null ? unsent : failure;
    try {
      services.write(decisions.services(), view.now());
    } catch (IOException e) {
      failure = failure == null ? e : failure;
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

  /**
   * Sends several at a time: a thousand new VirtualIPs would wait for each other's answers.
   *
   * @return the first failure, or null
   */
  private IOException send(List<Write> writes) throws InterruptedException {
    if (writes.isEmpty()) {
      return null;
    }
    IOException failure = null;
    try (var threads = Executors.newFixedThreadPool(AT_ONCE, Thread.ofVirtual().factory())) {
      var answers = new ArrayList<Future<Boolean>>();
      writes.forEach(write -> answers.add(threads.submit(() -> patched(write))));
      for (int i = 0; i < writes.size(); i++) {
        try {
          if (answers.get(i).get()) {
            var write = writes.get(i);
            sent.put(write.object().getMetadata().getUid(), write.sent());
            write.done().run();
          }
        } catch (ExecutionException e) {
          failure = failure == null ? failure(e.getCause()) : failure;
        }
      }
    }
    return failure;
  }

  private static IOException failure(Throwable cause) {
    return cause instanceof IOException failed ? failed : new IOException(cause);
  }

  /** Nothing if the same was sent for the same version of the object. */
  private Optional<Write> unlessSent(
      HasMetadata object, String subresource, String patch, Runnable done) {
    var sending = new Sent(object.getMetadata().getResourceVersion(), patch);
    return sending.equals(sent.get(object.getMetadata().getUid()))
        ? Optional.empty()
        : Optional.of(new Write(object, subresource, sending, done));
  }

  private Optional<Write> write(ClusterView view, VirtualIp vip, Decisions decisions) {
    var name = vip.getMetadata().getName();
    var vrid = decisions.vrids().get(name);
    return vrid == null
        ? write(view, vip, decisions.statuses().get(name))
        : allocate(vip, vrid, decisions.movedVrids().get(name));
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
    return StatusPatch.of(vip, status)
        .flatMap(
            patch ->
                unlessSent(
                    vip,
                    STATUS,
                    patch,
                    () -> {
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
  }
}
