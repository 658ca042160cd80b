package dev.virtualip.agent.kube;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.virtualip.agent.client.ApiServer;
import dev.virtualip.agent.client.Informer;
import dev.virtualip.crds.manifest.Manifests;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.kube.ApiCall;
import dev.virtualip.kube.EventWriter;
import dev.virtualip.log.Defects;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Shows in the API what an agent of this node runs from files: an object for each VirtualIP, and
 * this node's report in its status. The files win. The object has the spec of the node that is
 * master, and while there is none that of the node whose file it was, so that nodes with different
 * files do not write against each other.
 */
public final class Mirror implements AutoCloseable {
  /** Field manager and source of Events. */
  static final String NAME = "virtualip-mirror";

  private static final Logger LOG = LoggerFactory.getLogger(Mirror.class);
  private static final long PERIOD_SECONDS = 1;

  /** An agent that is replaced is away for some seconds. */
  private static final int MISSES_MAX = 5;

  private final ApiServer api;
  private final String nodeName;
  private final FilesAgent agent;
  private final Informer<ObjectNode> objects;
  private final StatusReporter reporter;
  private final EventWriter events;
  private final TransitionEvents transitions;
  private final BlockingQueue<Boolean> changed = new ArrayBlockingQueue<>(1);
  private final Thread thread = Thread.ofVirtual().name("mirror").unstarted(this::run);

  private final Map<String, NodeStatus> reported = new HashMap<>();

  /** Generation of the file that the object had last, by name of the VirtualIP. */
  private final Map<String, Long> shown = new HashMap<>();

  private final Set<String> own = new HashSet<>();
  private final Set<String> taken = new HashSet<>();
  private volatile int misses = MISSES_MAX;

  private Mirror(ApiServer api, String nodeName, FilesAgent agent, LongSupplier nanoTime) {
    this.api = api;
    this.nodeName = nodeName;
    this.agent = agent;
    objects = new Informer<>(api, Kinds.virtualIps(nodeName), new Changes());
    reporter = StatusReporter.start(api, nodeName, this::status);
    events = EventWriter.start(api::send, NAME, nodeName);
    transitions = new TransitionEvents(events, nodeName, nanoTime);
  }

  /**
   * Starts mirroring; returns at once, whether agent and API server are there or not.
   *
   * @param nanoTime nanoseconds
   */
  public static Mirror start(
      ApiServer api, String nodeName, FilesAgent agent, LongSupplier nanoTime) {
    var mirror = new Mirror(api, nodeName, agent, nanoTime);
    mirror.objects.start();
    mirror.thread.start();
    return mirror;
  }

  /** Whether the agent answers, so that its last report still holds. */
  public boolean hearsAgent() {
    return misses < MISSES_MAX;
  }

  /** This node's heartbeat is with the API server. */
  public void heartbeat() {
    reporter.heartbeat();
  }

  /**
   * Ends, once what waits is written. The reports stay: the agent runs on.
   *
   * @param endNanos System.nanoTime at which it ends in any case
   */
  public void close(long endNanos) {
    thread.interrupt();
    objects.close();
    reporter.close(endNanos);
    events.close(endNanos);
  }

  @Override
  public void close() {
    close(Long.MAX_VALUE);
  }

  private Optional<VirtualIpStatus> status(String virtualIp) {
    return Optional.ofNullable(objects.get(virtualIp)).flatMap(KubernetesSource::status);
  }

  /** Wakes the thread where somebody has edited more than a status. */
  private final class Changes implements Informer.Listener<ObjectNode> {
    @Override
    public void changed(ObjectNode before, ObjectNode now) {
      boolean edited =
          before == null || now == null || !before.get("metadata").equals(now.get("metadata"));
      if (edited) {
        changed.offer(true);
      }
      if (now != null) {
        // Of one that was deleted and made anew too.
        reporter.statusChanged(KubernetesSource.name(now));
      }
    }
  }

  private void run() {
    try {
      while (true) {
        try {
          turn();
        } catch (RuntimeException | Error e) {
          Defects.goOn(e);
        }
        changed.poll(PERIOD_SECONDS, TimeUnit.SECONDS);
      }
    } catch (InterruptedException _) {
      LOG.debug("mirror_closed");
    }
  }

  private void turn() throws InterruptedException {
    List<VirtualIp> files;
    try {
      files = agent.virtualIps();
    } catch (IOException e) {
      missed(e);
      return;
    }
    if (!hearsAgent()) {
      LOG.info("agent_heard virtualips={}", files.size());
    }
    misses = 0;
    var names = new HashSet<String>();
    for (var vip : files) {
      names.add(vip.getMetadata().getName());
      if (objects.hasSynced()) {
        show(vip);
      }
    }
    for (var name : List.copyOf(reported.keySet())) {
      if (!names.contains(name)) {
        forget(name);
      }
    }
  }

  private void missed(IOException e) {
    misses = Math.min(misses + 1, MISSES_MAX + 1);
    if (misses != MISSES_MAX) {
      return;
    }
    LOG.warn("agent_silent error=\"{}\": its reports become Unknown", e.getMessage());
    for (var name : List.copyOf(reported.keySet())) {
      var unknown =
          new NodeStatus(
              State.Unknown, null, null, "AgentSilent", e.getMessage(), null, null, null);
      report(name, unknown);
    }
  }

  private void forget(String name) {
    reported.remove(name);
    shown.remove(name);
    reporter.remove(name);
    transitions.removed(name);
  }

  private void show(VirtualIp vip) throws InterruptedException {
    var name = vip.getMetadata().getName();
    var object = objects.get(name);
    if (object == null) {
      create(vip);
      return;
    }
    var metadata = Kinds.metadata(object);
    if (!VirtualIp.mirrored(metadata) && !own.contains(metadata.getUid())) {
      if (taken.add(metadata.getUid())) {
        LOG.error(
            "name_taken vip={}: the API server has an ordinary VirtualIP of this name, which is not"
                + " touched; rename one of the two",
            name);
      }
      return;
    }
    own.add(metadata.getUid());
    boolean same = vip.getSpec().equals(spec(object));
    var report = report(vip);
    if ((!same || !isMarked(metadata)) && isOurs(metadata, report)) {
      restore(vip, metadata, same);
      return;
    }
    if (same) {
      shown.put(name, vip.getMetadata().getGeneration());
    }
    if (report != null) {
      transitions.objects(mirrored());
      var fileGeneration = vip.getMetadata().getGeneration();
      report(name, translated(report, fileGeneration, metadata.getGeneration(), same));
    }
  }

  private void report(String name, NodeStatus report) {
    reported.put(name, report);
    reporter.report(name, report, report.state() == State.Master);
    transitions.changed(name, report);
  }

  private NodeStatus report(VirtualIp vip) {
    var nodes = vip.getStatus() == null ? null : vip.getStatus().nodes();
    return nodes == null ? null : nodes.get(nodeName);
  }

  private static Object spec(ObjectNode object) {
    return Manifests.lenientVirtualIp(object, new ArrayList<>()).getSpec();
  }

  private List<VirtualIp> mirrored() {
    return objects.list().stream()
        .filter(object -> own.contains(Kinds.uid(object)))
        .map(
            object -> {
              var vip = new VirtualIp();
              vip.setMetadata(Kinds.metadata(object));
              return vip;
            })
        .toList();
  }

  private static boolean isMarked(ObjectMeta metadata) {
    return metadata.getAnnotations() != null
        && metadata.getAnnotations().containsKey(VirtualIp.MIRRORED_FROM)
        && metadata.getLabels() != null
        && metadata.getLabels().containsKey(VirtualIp.MIRRORED);
  }

  /** Whether the object is to have the spec of this node's file. */
  private boolean isOurs(ObjectMeta metadata, NodeStatus report) {
    var master = status(metadata.getName()).map(VirtualIpStatus::master).orElse(null);
    if (master != null) {
      return master.equals(nodeName);
    }
    var annotations = metadata.getAnnotations();
    var from = annotations == null ? null : annotations.get(VirtualIp.MIRRORED_FROM);
    return from == null
        || from.equals(nodeName)
        || report != null && report.state() == State.Master;
  }

  /**
   * A report of an agent that counts the versions of its file, with the generations of the object.
   *
   * @param same whether the object has the spec of the file's newest version
   */
  static NodeStatus translated(
      NodeStatus report, Long fileGeneration, long generation, boolean same) {
    boolean runsNewest = Objects.equals(report.acceptedGeneration(), fileGeneration);
    Long older = generation > 1 ? generation - 1 : null;
    Long accepted = same && runsNewest ? Long.valueOf(generation) : older;
    return report.withGenerations(
        report.acceptedGeneration() == null ? null : accepted,
        same && report.refusedGeneration() != null ? Long.valueOf(generation) : null);
  }

  private void create(VirtualIp vip) throws InterruptedException {
    var object = KubernetesSource.STATUS.createObjectNode();
    object.put("apiVersion", HasMetadata.getApiVersion(VirtualIp.class));
    object.put("kind", HasMetadata.getKind(VirtualIp.class));
    var metadata = object.putObject("metadata");
    metadata.put("name", vip.getMetadata().getName());
    metadata.set("annotations", annotations(vip.getMetadata()));
    metadata.set("labels", labels(vip.getMetadata()));
    object.set("spec", KubernetesSource.STATUS.valueToTree(vip.getSpec()));
    if (sent("POST", Kinds.VIRTUAL_IPS, ApiCall.JSON, object.toString())) {
      LOG.info("mirrored vip={}", vip.getMetadata().getName());
    }
  }

  /** Puts the file's spec, and the marks, in place of what the object has. */
  private void restore(VirtualIp vip, ObjectMeta metadata, boolean same)
      throws InterruptedException {
    var name = vip.getMetadata().getName();
    var patch = KubernetesSource.STATUS.createArrayNode();
    if (!same) {
      add(patch.addObject(), "/spec")
          .set("value", KubernetesSource.STATUS.valueToTree(vip.getSpec()));
    }
    add(patch.addObject(), "/metadata/annotations").set("value", annotations(metadata));
    add(patch.addObject(), "/metadata/labels").set("value", labels(metadata));
    if (!sent("PATCH", Kinds.VIRTUAL_IPS + "/" + name, ApiCall.JSON_PATCH, patch.toString())) {
      return;
    }
    if (vip.getMetadata().getGeneration().equals(shown.get(name))) {
      LOG.warn("edit_undone vip={}: edit the files on the nodes", name);
      events.record(
          TransitionEvents.reference(metadata),
          true,
          "EditUndone",
          "this VirtualIP shows what runs from files: edit the file on each node, not the object;"
              + " %s has put its file's version back".formatted(nodeName));
    } else {
      LOG.info("mirrored vip={} generation={}", name, vip.getMetadata().getGeneration());
    }
  }

  private static ObjectNode add(ObjectNode operation, String path) {
    return operation.put("op", "add").put("path", path);
  }

  private ObjectNode annotations(ObjectMeta metadata) {
    return with(metadata.getAnnotations(), VirtualIp.MIRRORED_FROM, nodeName);
  }

  private static ObjectNode labels(ObjectMeta metadata) {
    return with(metadata.getLabels(), VirtualIp.MIRRORED, "true");
  }

  private static ObjectNode with(Map<String, String> present, String key, String value) {
    var all = new HashMap<>(Objects.requireNonNullElse(present, Map.<String, String>of()));
    all.put(key, value);
    return KubernetesSource.STATUS.valueToTree(all);
  }

  /** Another node may have been faster; the next turn sees what is there. */
  private boolean sent(String method, String path, String type, String body)
      throws InterruptedException {
    try {
      var answer = api.send(method, path + "?fieldManager=" + NAME, type, body);
      boolean raced =
          answer.code() == HttpURLConnection.HTTP_CONFLICT
              || answer.code() == HttpURLConnection.HTTP_NOT_FOUND;
      if (!answer.ok() && !raced) {
        LOG.warn("not_mirrored path={} error=\"{}\": trying again", path, answer);
      }
      return answer.ok();
    } catch (IOException e) {
      LOG.warn("not_mirrored path={} error=\"{}\": trying again", path, e.toString());
      return false;
    }
  }
}
