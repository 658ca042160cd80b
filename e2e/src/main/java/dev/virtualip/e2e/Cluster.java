package dev.virtualip.e2e;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.LabNode;
import dev.virtualip.e2e.lab.Program;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.DeploymentStrategy;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.readiness.Readiness;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/**
 * The {@link ClassicPair} as a Kubernetes cluster: the control host as control-plane node, with API
 * server and operator, and the two nodes as workers.
 */
public final class Cluster implements AutoCloseable {
  /** Name of the agents' program and image. */
  public static final String AGENT = "virtualip-agent";

  /** Name of the operator's program, image, Deployment and Lease. */
  public static final String OPERATOR = "virtualip-operator";

  /** Namespace of operator and agents. */
  public static final String NAMESPACE = "virtualip-system";

  private static final Duration START = Duration.ofSeconds(120);

  private static final String[] EVENTS = {
    "get",
    "events",
    "--sort-by=.lastTimestamp",
    "-o",
    "custom-columns=T:.lastTimestamp,N:.count,VIP:.involvedObject.name,MESSAGE:.message"
  };

  private final Lab lab;
  private final ClassicPair pair;
  private final ApiServer api;
  private final Map<String, LabNode> nodes = new LinkedHashMap<>();
  private Map<String, Program> programs = Program.built();
  private int operators;

  private Cluster(Lab lab, ClassicPair pair, ApiServer api) {
    this.lab = lab;
    this.pair = pair;
    this.api = api;
  }

  /**
   * Installs the objects of {@code deploy/base} or of the {@link Lab#release}, with one operator
   * and no nodes yet. The cluster closes the server.
   */
  public static Cluster install(Lab lab, ClassicPair pair, ApiServer api) {
    return install(lab, pair, api, 1);
  }

  /**
   * The same with several operators, each on a node of its own, since pods here use the host's
   * network and the operators would need the same port.
   */
  public static Cluster install(Lab lab, ClassicPair pair, ApiServer api, int operators) {
    var cluster = new Cluster(lab, pair, api);
    cluster.operators = operators;
    cluster.api.installCrd();
    var release = Lab.release();
    if (release.isPresent()) {
      cluster.load(release.get().resolve("virtualip.yaml"));
      return cluster;
    }
    for (var file : List.of("namespace", "operator-rbac", "agent-rbac", "operator")) {
      cluster.load(Lab.root().resolve("deploy/base/" + file + ".yaml"));
    }
    return cluster;
  }

  /**
   * Sets the programs for nodes that join from now on, instead of those that {@code make build}
   * leaves.
   */
  public void run(Map<String, Program> programs) {
    this.programs = programs;
  }

  /** Whether programs run in containers. */
  boolean runsImages() {
    return programs.values().stream().anyMatch(Program.Image.class::isInstance);
  }

  private void load(Path file) {
    try (var yaml = Files.newInputStream(file)) {
      client().load(yaml).items().stream()
          .filter(object -> !(object instanceof CustomResourceDefinition))
          .map(this::forTheLab)
          .forEach(object -> client().resource(object).create());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private HasMetadata forTheLab(HasMetadata object) {
    if (object instanceof Deployment deployment) {
      deployment.getSpec().setReplicas(operators);
      if (operators == 1) {
        deployment.getSpec().setStrategy(new DeploymentStrategy(null, "Recreate"));
      } else {
        deployment
            .getSpec()
            .getTemplate()
            .getSpec()
            .getContainers()
            .getFirst()
            .getEnv()
            .add(new EnvVar("LEADER_LEASE", "3s", null));
      }
    }
    return object;
  }

  /**
   * Registers the control host as a node and waits for the operators to be ready, there or, if they
   * are registered, on the workers.
   */
  public void startOperator() {
    var control = lab.control();
    nodes.put(
        control.name(), LabNode.startControlPlane(api, control, ClassicPair.CONTROL, programs));
    Await.until(
        "the operator is ready",
        START,
        () ->
            client()
                    .pods()
                    .inNamespace(NAMESPACE)
                    .withLabel("app.kubernetes.io/name", OPERATOR)
                    .list()
                    .getItems()
                    .stream()
                    .filter(Readiness.getInstance()::isReady)
                    .count()
                == operators);
  }

  /** Registers the two workers. */
  public void startWorkers() {
    join(pair.nodeA(), "10.0.0.11", Map.of(), programs);
    join(pair.nodeB(), "10.0.0.12", Map.of(), programs);
  }

  /** Registers a host as a node, see {@link LabNode#start}. */
  public void join(
      Host host, String address, Map<String, String> labels, Map<String, Program> programs) {
    nodes.put(host.name(), LabNode.start(api, host, address, labels, programs));
  }

  /** The node of the leading operator's pod; null while there is no leader. */
  public LabNode leader() {
    var lease = client().leases().inNamespace("default").withName(OPERATOR).get();
    var holder = lease == null ? null : lease.getSpec().getHolderIdentity();
    var pod =
        holder == null || holder.isEmpty()
            ? null
            : client()
                .pods()
                .inNamespace(NAMESPACE)
                .withName(holder.substring(0, holder.indexOf('_')))
                .get();
    return pod == null ? null : nodes.get(pod.getSpec().getNodeName());
  }

  /** All nodes. */
  public Collection<LabNode> nodes() {
    return nodes.values();
  }

  /** A node by name. */
  public LabNode node(String name) {
    return nodes.get(name);
  }

  public ApiServer api() {
    return api;
  }

  public KubernetesClient client() {
    return api.client();
  }

  public ClassicPair pair() {
    return pair;
  }

  /**
   * Lets the agents run these scripts, as {@code deploy/overlays/exec} does; before the operator
   * starts.
   */
  public void enableScripts(Map<String, String> scripts) {
    var configMap =
        new ConfigMapBuilder()
            .withNewMetadata()
            .withName("virtualip-scripts")
            .withNamespace(NAMESPACE)
            .endMetadata()
            .withData(scripts)
            .build();
    client().resource(configMap).create();
    try {
      var patch = Files.readString(Lab.root().resolve("deploy/components/exec/operator.yaml"));
      client()
          .apps()
          .deployments()
          .inNamespace(NAMESPACE)
          .withName(OPERATOR)
          // Not edit: the deployment controller writes to it too.
          .patch(PatchContext.of(PatchType.STRATEGIC_MERGE), patch);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Makes the Secret that a VirtualIP refers to. */
  public void createSecret(String name, String key, String value) {
    Secret secret =
        new SecretBuilder()
            .withNewMetadata()
            .withName(name)
            .withNamespace(NAMESPACE)
            .endMetadata()
            .addToData(
                key, Base64.getEncoder().encodeToString(value.getBytes(StandardCharsets.UTF_8)))
            .build();
    client().resource(secret).create();
  }

  /** {@code kubectl apply} of a VirtualIP. */
  public void apply(String yaml) {
    HasMetadata wanted = Serialization.unmarshal(yaml, VirtualIp.class);
    var present = client().resource(wanted).get();
    if (present == null) {
      client().resource(wanted).create();
    } else {
      // Like kubectl apply with the whole object: fields that the file no longer has are removed.
      var spec = ((VirtualIp) wanted).getSpec();
      var replace = List.of(Map.of("op", "replace", "path", "/spec", "value", spec));
      client()
          .resource(wanted)
          .patch(PatchContext.of(PatchType.JSON), Serialization.asJson(replace));
    }
  }

  /** {@code kubectl apply --server-side}: no race with what the operator writes meanwhile. */
  public void apply(HasMetadata wanted) {
    client().resource(wanted).forceConflicts().serverSideApply();
  }

  /** {@code kubectl delete} of a VirtualIP. */
  public void delete(String name) {
    client().resources(VirtualIp.class).withName(name).delete();
  }

  /** The status of a VirtualIP; all null while there is none. */
  public VirtualIpStatus status(String name) {
    var vip = client().resources(VirtualIp.class).withName(name).get();
    return vip == null || vip.getStatus() == null ? VirtualIpStatus.EMPTY : vip.getStatus();
  }

  /** A condition as {@code STATUS REASON: message}, or an empty text. */
  public String condition(String name, String type) {
    var conditions = Objects.requireNonNullElse(status(name).conditions(), List.<Condition>of());
    for (var condition : conditions) {
      if (condition.getType().equals(type)) {
        return "%s %s: %s"
            .formatted(condition.getStatus(), condition.getReason(), condition.getMessage());
      }
    }
    return "";
  }

  /** Requests to nodes about a VirtualIP, sorted by node. */
  public SortedMap<String, HandOver> handOvers(String name) {
    return new TreeMap<>(Objects.requireNonNullElse(status(name).handOvers(), Map.of()));
  }

  /** Whether a VirtualIP is Ready with this node as master. */
  public boolean isReady(String name, String master) {
    return condition(name, "Ready").equals("True Serving: " + master + " is master")
        && master.equals(status(name).master());
  }

  /** Requests a switch-over to a node; null withdraws the request. */
  public void switchTo(String name, String node) {
    var request = VirtualIp.SWITCH_TO + (node == null ? "-" : "=" + node);
    api.kubectl("annotate", "vip", name, request);
  }

  /** Sets environment variables of the operator, {@code NAME=VALUE}, which restarts it. */
  public void setOperator(String... variables) {
    var command =
        Stream.concat(
            Stream.of("-n", NAMESPACE, "set", "env", "deployment/" + OPERATOR),
            Stream.of(variables));
    api.kubectl(command.toArray(String[]::new));
  }

  /** The agents' pods. */
  public List<Pod> agents() {
    return client()
        .pods()
        .inNamespace(NAMESPACE)
        .withLabel("app.kubernetes.io/name", AGENT)
        .list()
        .getItems();
  }

  /** Whether exactly this many agents exist, all ready and with this image. */
  public boolean agentsRun(int count, String image) {
    var pods = agents();
    return pods.size() == count
        && pods.stream()
            .allMatch(
                pod ->
                    Readiness.getInstance().isReady(pod)
                        && pod.getSpec().getContainers().getFirst().getImage().equals(image));
  }

  /**
   * Like {@link Await#until}; with a real API server a failure lists the objects of the cluster and
   * its Events.
   */
  public void await(String what, Duration deadline, BooleanSupplier condition) {
    try {
      Await.until(what, deadline, condition);
    } catch (AssertionError e) {
      var seen = api.kubectl("get", "vip,nodes,ds,pods,leases", "-A", "-o", "wide");
      var reports = api.kubectl("get", "vip", "-o", "jsonpath={.items[*].status}");
      throw new AssertionError(String.join("\n", e.getMessage(), seen, reports, events()), e);
    }
  }

  /** All Events, in order, one on a line; of a real API server only. */
  public String events() {
    return api.kubectl(EVENTS);
  }

  /**
   * The output of {@code kubectl get vip}; without a real API server an imitation of its columns.
   */
  public String table() {
    if (api.real()) {
      return api.kubectl("get", "vip").strip();
    }
    var lines = new StringBuilder();
    var format = "%-6s %-18s %-5s %-8s %s";
    lines.append(format.formatted("NAME", "ADDRESS", "VRID", "MASTER", "READY"));
    for (var vip : client().resources(VirtualIp.class).list().getItems()) {
      var name = vip.getMetadata().getName();
      lines
          .append('\n')
          .append(
              format.formatted(
                  name,
                  vip.getSpec().addresses().getFirst().address(),
                  vip.getSpec().vrid(),
                  Objects.requireNonNullElse(status(name).master(), ""),
                  condition(name, "Ready").split(" ")[0]));
    }
    return lines.toString();
  }

  @Override
  public void close() {
    nodes.values().forEach(LabNode::close);
    api.close();
  }
}
