package dev.virtualip.operator.act;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.virtualip.crds.schema.PoolServices;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.kube.ApiCall;
import dev.virtualip.operator.decide.Lanes.Lane;
import dev.virtualip.operator.decide.ServiceDecisions;
import dev.virtualip.operator.watch.Latest;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;

/**
 * Writes VirtualIPs for Services, and then the status of Services. Each write holds only for the
 * version of the object, or the generation, that was decided by; where it has changed meanwhile it
 * is decided anew.
 */
final class Services {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String VIPS =
      "apis/" + HasMetadata.getApiVersion(VirtualIp.class) + "/virtualips";

  /** Most Services written at once: hand-overs wait for the end of a pass. The next one follows. */
  private static final int WRITES_MAX = 100;

  /** Answers after which a newer version of the object, or that it is gone, is seen soon. */
  private static final Set<Integer> OUTDATED =
      Set.of(HttpURLConnection.HTTP_CONFLICT, HttpURLConnection.HTTP_NOT_FOUND);

  /** The answer if a test of a patch fails, but also to an invalid object, with its causes. */
  private static final int TEST_FAILED = 422;

  private static final String CAUSES = "\"causes\"";

  /**
   * Longest time that several new Services wait for more: together they cost one edit of a lane.
   */
  private static final Duration HOLD_MAX = Duration.ofSeconds(1);

  private final KubernetesClient client;
  private final Journal journal;
  private final Latest latest;

  /** The Services that wait for more, by UID, and since when. */
  private Set<String> held = Set.of();

  private Instant heldSince = Instant.EPOCH;

  /** Whether the last pass has left some for the next. */
  private boolean left;

  Services(KubernetesClient client, Journal journal, Latest latest) {
    this.client = client;
    this.journal = journal;
    this.latest = latest;
  }

  /**
   * Writes what was decided. A failure for one object does not affect the others.
   *
   * @throws IOException the first failure, after all writes were tried
   */
  void write(ServiceDecisions decided, Instant now) throws IOException, InterruptedException {
    if (hold(decided, now)) {
      return;
    }
    left = decided.writes().size() > WRITES_MAX;
    IOException failure = null;
    for (var write : lanes(decided, now)) {
      try {
        write.run();
      } catch (IOException e) {
        failure = failure == null ? e : failure;
      }
    }
    var statuses =
        decided.writes().entrySet().stream()
            .limit(WRITES_MAX)
            .map(write -> status(write.getKey(), write.getValue(), now))
            .toList();
    var unsent = Batch.send(statuses);
    failure = failure == null ? unsent : failure;
    if (failure != null) {
      throw failure;
    }
  }

  /** Whether Services wait for more, in which case a pass soon is to decide again. */
  boolean isHolding() {
    return !held.isEmpty();
  }

  /** A single Service never waits; several do until a pass finds no new one among them. */
  private boolean hold(ServiceDecisions decided, Instant now) {
    var uids =
        decided.writes().keySet().stream()
            .map(service -> service.getMetadata().getUid())
            .collect(Collectors.toSet());
    if (held.isEmpty()) {
      heldSince = now;
    }
    boolean more = uids.size() > 1 && !left && !held.containsAll(uids);
    held = more && now.isBefore(heldSince.plus(HOLD_MAX)) ? uids : Set.of();
    return isHolding();
  }

  @FunctionalInterface
  private interface Write {
    void run() throws IOException, InterruptedException;
  }

  /** Addresses are in a lane before a Service shows them, and go when none shows them any more. */
  private List<Write> lanes(ServiceDecisions decided, Instant now) {
    var writes = new ArrayList<Write>();
    decided.lanes().delete().forEach(vip -> writes.add(() -> delete(vip)));
    decided.lanes().edit().forEach((vip, lane) -> writes.add(() -> edit(vip, lane, now)));
    decided.lanes().create().forEach(lane -> writes.add(() -> create(lane, now)));
    return writes;
  }

  private void create(Lane lane, Instant now) throws IOException, InterruptedException {
    var metadata = Map.of("name", lane.name(), "labels", Map.of(PoolServices.LABEL, lane.pool()));
    var vip =
        Map.of(
            "apiVersion",
            HasMetadata.getApiVersion(VirtualIp.class),
            "kind",
            HasMetadata.getKind(VirtualIp.class),
            "metadata",
            metadata,
            "spec",
            lane.spec());
    var answer = sent("POST", VIPS, ApiCall.JSON, vip, lane.name());
    if (answer.ok()) {
      latest.put(Serialization.unmarshal(answer.body(), VirtualIp.class), true, now);
      journal.lane(lane.name(), "created");
    }
  }

  private void edit(VirtualIp vip, Lane lane, Instant now)
      throws IOException, InterruptedException {
    // A merge patch would keep what a selector no longer has.
    var patch = new ArrayList<Map<String, Object>>();
    // Not the resourceVersion, which each report of an agent changes.
    patch.add(test("/metadata/uid", vip.getMetadata().getUid()));
    patch.add(test("/metadata/generation", vip.getMetadata().getGeneration()));
    lane.spec().forEach((field, value) -> patch.add(add("/spec/" + field, value)));
    var answer = sent("PATCH", VIPS + "/" + lane.name(), ApiCall.JSON_PATCH, patch, lane.name());
    if (answer.ok()) {
      latest.put(Serialization.unmarshal(answer.body(), VirtualIp.class), false, now);
      journal.lane(lane.name(), "edited");
    } else {
      latest.remove(vip);
    }
  }

  private static Map<String, Object> test(String path, Object value) {
    return Map.of("op", "test", "path", path, "value", value);
  }

  private static Map<String, Object> add(String path, Object value) {
    return Map.of("op", "add", "path", path, "value", value);
  }

  private void delete(VirtualIp vip) throws IOException, InterruptedException {
    var name = vip.getMetadata().getName();
    var options =
        Map.of("preconditions", Map.of("resourceVersion", vip.getMetadata().getResourceVersion()));
    var answer = sent("DELETE", VIPS + "/" + name, ApiCall.JSON, options, name);
    latest.remove(vip);
    if (answer.ok()) {
      journal.lane(name, "deleted");
    }
  }

  private Callable<Runnable> status(Service service, List<String> addresses, Instant now) {
    var metadata = service.getMetadata();
    var path =
        "api/v1/namespaces/%s/services/%s/status"
            .formatted(metadata.getNamespace(), metadata.getName());
    var patch = JSON.createObjectNode();
    patch.putObject("metadata").put("resourceVersion", metadata.getResourceVersion());
    var balancer = patch.putObject("status").putObject("loadBalancer");
    if (addresses.isEmpty()) {
      balancer.putNull("ingress");
    } else {
      var ingress = balancer.putArray("ingress");
      // Packets come with the address itself; servers before 1.29 drop the word.
      addresses.forEach(ip -> ingress.addObject().put("ip", ip).put("ipMode", "VIP"));
    }
    return () -> {
      var answer = sent("PATCH", path, ApiCall.MERGE_PATCH, patch, metadata.getName());
      if (!answer.ok()) {
        return () -> latest.remove(service);
      }
      var written = Serialization.unmarshal(answer.body(), Service.class);
      return () -> {
        latest.put(written, false, now);
        journal.assigned(service, addresses);
      };
    };
  }

  private ApiCall.Answer sent(String method, String path, String type, Object body, String name)
      throws IOException, InterruptedException {
    var answer = ApiCall.send(client, method, path, type, JSON.writeValueAsString(body));
    if (!answer.ok() && !isOutdated(answer)) {
      throw new IOException("%s not written: %s".formatted(name, answer));
    }
    return answer;
  }

  private static boolean isOutdated(ApiCall.Answer answer) {
    return OUTDATED.contains(answer.code())
        || answer.code() == TEST_FAILED && !answer.body().contains(CAUSES);
  }
}
