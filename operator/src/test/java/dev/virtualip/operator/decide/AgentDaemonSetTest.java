package dev.virtualip.operator.decide;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.virtualip.operator.watch.AgentPods;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.NodeSelectorTerm;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirementsBuilder;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class AgentDaemonSetTest {
  private static final Settings SETTINGS =
      new Settings("vips", "registry/agent:1", null, false, false, null, false, List.of(), false);

  @Test
  void goesToEachNodeByName() {
    var terms =
        desired("a", "b")
            .getSpec()
            .getTemplate()
            .getSpec()
            .getAffinity()
            .getNodeAffinity()
            .getRequiredDuringSchedulingIgnoredDuringExecution()
            .getNodeSelectorTerms();
    assertEquals(
        List.of("metadata.name In [a]", "metadata.name In [b]"),
        terms.stream().map(AgentDaemonSetTest::text).toList());
  }

  private static String text(NodeSelectorTerm term) {
    var field = term.getMatchFields().getFirst();
    assertEquals(1, term.getMatchFields().size());
    assertEquals(List.of(), term.getMatchExpressions());
    return field.getKey() + " " + field.getOperator() + " " + field.getValues();
  }

  @Test
  void settingsAreInIt() {
    var daemonSet = desired("a");
    assertEquals("vips", daemonSet.getMetadata().getNamespace());
    assertEquals("virtualip-agent", daemonSet.getMetadata().getName());
    assertEquals("registry/agent:1", container(daemonSet).getImage());
    assertEquals(
        List.of(
            "run",
            "--node",
            "$(NODE_NAME)",
            "--namespace",
            "$(POD_NAMESPACE)",
            "--state-dir",
            "/var/lib/virtualip"),
        container(daemonSet).getArgs());
  }

  @Test
  void agentHasTwoCapabilitiesAndNoMore() {
    var security = container(desired("a")).getSecurityContext();
    assertEquals(List.of("ALL"), security.getCapabilities().getDrop());
    assertEquals(List.of("NET_ADMIN", "NET_RAW"), security.getCapabilities().getAdd());
    assertEquals(false, security.getAllowPrivilegeEscalation());
    assertEquals(true, security.getReadOnlyRootFilesystem());
    assertEquals("RuntimeDefault", security.getSeccompProfile().getType());
    assertNull(security.getPrivileged());
  }

  @Test
  void scriptsComeWithTheCapabilitiesToRunThemAsNobody() {
    var with =
        new Settings(
            "vips", "registry/agent:1", "my-scripts", false, false, null, false, List.of(), false);
    var daemonSet = AgentDaemonSet.desired(with, List.of("a"));
    var agent = container(daemonSet);
    assertEquals(
        List.of("--scripts", "/etc/virtualip/scripts"),
        agent.getArgs().subList(agent.getArgs().size() - 2, agent.getArgs().size()));
    assertEquals(
        List.of("NET_ADMIN", "NET_RAW", "SETUID", "SETGID"),
        agent.getSecurityContext().getCapabilities().getAdd());
    assertEquals(false, agent.getSecurityContext().getAllowPrivilegeEscalation());
    var volume = daemonSet.getSpec().getTemplate().getSpec().getVolumes().getLast();
    var mount = agent.getVolumeMounts().getLast();
    assertEquals("/etc/virtualip/scripts", mount.getMountPath());
    assertEquals(volume.getName(), mount.getName());
    assertEquals("my-scripts", volume.getConfigMap().getName());
    assertEquals(0555, volume.getConfigMap().getDefaultMode());
    assertEquals(true, volume.getConfigMap().getOptional());
    assertNotEquals(revision(desired("a")), revision(daemonSet));
  }

  @Test
  void onlyWhoAsksForItAnswersFromOutsideTheNode() {
    assertFalse(container(desired("a")).getArgs().contains("--metrics"));
    var with =
        new Settings("vips", "registry/agent:1", null, false, true, null, false, List.of(), false);
    var agent = container(AgentDaemonSet.desired(with, List.of("a")));
    assertEquals(
        List.of("--metrics", "$(HOST_IP):9405"),
        agent.getArgs().subList(agent.getArgs().size() - 2, agent.getArgs().size()));
    var address = agent.getEnv().getLast();
    assertEquals("HOST_IP", address.getName());
    assertEquals("status.hostIP", address.getValueFrom().getFieldRef().getFieldPath());
    assertEquals(9405, agent.getPorts().getFirst().getContainerPort());
  }

  @Test
  void agentsWriteTheirLogsAsTheOperatorDoes() {
    var names = container(desired("a")).getEnv().stream().map(EnvVar::getName).toList();
    assertFalse(names.contains("LOG_FORMAT"));
    var with =
        new Settings("vips", "registry/agent:1", null, false, false, null, true, List.of(), false);
    var last = container(AgentDaemonSet.desired(with, List.of("a"))).getEnv().getLast();
    assertEquals("LOG_FORMAT=json", last.getName() + "=" + last.getValue());
  }

  @Test
  void onlyWhoAsksForItSeesTheNodesProcesses() {
    assertNull(desired("a").getSpec().getTemplate().getSpec().getHostPID());
    var with =
        new Settings("vips", "registry/agent:1", null, true, false, null, false, List.of(), false);
    var daemonSet = AgentDaemonSet.desired(with, List.of("a"));
    assertEquals(true, daemonSet.getSpec().getTemplate().getSpec().getHostPID());
    assertNotEquals(revision(desired("a")), revision(daemonSet));
  }

  @Test
  void agentIsNeverThrottled() {
    var resources = container(desired("a")).getResources();
    assertEquals(Set.of("memory"), resources.getLimits().keySet());
  }

  @Test
  void whoeverSaysSoGivesAgentsOtherResources() {
    var more = new ResourceRequirementsBuilder().addToLimits("memory", new Quantity("1Gi")).build();
    var with =
        new Settings("vips", "registry/agent:1", null, false, false, more, false, List.of(), false);
    var daemonSet = AgentDaemonSet.desired(with, List.of("a"));
    assertEquals(more, container(daemonSet).getResources());
    assertNotEquals(revision(desired("a")), revision(daemonSet));
  }

  @Test
  void selectorFindsItsPods() {
    var daemonSet = desired("a");
    var labels = daemonSet.getSpec().getTemplate().getMetadata().getLabels();
    daemonSet
        .getSpec()
        .getSelector()
        .getMatchLabels()
        .forEach((key, value) -> assertEquals(value, labels.get(key)));
    assertEquals(
        AgentPods.LABEL_SELECTOR, "app.kubernetes.io/name=" + labels.get("app.kubernetes.io/name"));
  }

  @Test
  void outlivesTheOperator() {
    assertEquals(List.of(), desired("a").getMetadata().getOwnerReferences());
  }

  @Test
  void revisionIsAboutWhatAgentsRunAndNotWhere() {
    assertEquals(revision(desired("a")), revision(desired("a", "b")));
    var other =
        AgentDaemonSet.desired(
            new Settings(
                "vips", "registry/agent:2", null, false, false, null, false, List.of(), false),
            List.of("a"));
    assertNotEquals(revision(desired("a")), revision(other));
  }

  @Test
  void sameNodesMakeTheSameDaemonSet() {
    assertEquals(desired("a", "b"), desired("a", "b"));
    assertNotEquals(desired("a", "b"), desired("a"));
  }

  private static String revision(DaemonSet daemonSet) {
    return daemonSet
        .getSpec()
        .getTemplate()
        .getMetadata()
        .getAnnotations()
        .get(AgentDaemonSet.REVISION);
  }

  private static Container container(DaemonSet daemonSet) {
    return daemonSet.getSpec().getTemplate().getSpec().getContainers().getFirst();
  }

  private static DaemonSet desired(String... nodes) {
    return AgentDaemonSet.desired(SETTINGS, List.of(nodes));
  }
}
