package dev.virtualip.e2e.lab;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSecurityContext;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.SecurityContext;
import io.fabric8.kubernetes.api.model.VolumeMount;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * A container of a pod as an OCI bundle for runc, as a kubelet and its runtime would create it.
 * User, capabilities, privilege escalation, read-only root, seccomp profile and memory limit are
 * those of the pod; nothing is added. Every pod is on its node's network.
 *
 * <p>https://github.com/opencontainers/runtime-spec/blob/v1.0.2/config.md
 */
final class OciBundle {
  /** Debian's copy of the default seccomp profile of Kubernetes' runtimes. */
  private static final Path SECCOMP = Path.of("/usr/share/containers/seccomp.json");

  private static final JsonMapper JSON = new JsonMapper();
  private static final Path MEMORY_CGROUPS = Path.of("/sys/fs/cgroup/memory");

  private final Pod pod;
  private final Container container;
  private final JsonNode image;
  private final SecurityContext security;
  private final PodSecurityContext podSecurity;

  private OciBundle(Pod pod, Container container, JsonNode image) {
    this.pod = pod;
    this.container = container;
    this.image = image;
    this.security =
        Objects.requireNonNullElseGet(container.getSecurityContext(), SecurityContext::new);
    this.podSecurity =
        Objects.requireNonNullElseGet(pod.getSpec().getSecurityContext(), PodSecurityContext::new);
  }

  /**
   * Writes a bundle.
   *
   * @param folder folder of the bundle
   * @param arguments the pod's arguments after the image's entry point; empty for the image's own
   * @param mounts folders of the node by the path in the container
   * @param network path of the network namespace, or null for the lab's control host
   */
  static void write(
      Path folder,
      Program.Image image,
      Pod pod,
      Container container,
      List<String> arguments,
      Map<String, String> environment,
      Map<String, Path> mounts,
      Path network) {
    try {
      var config = JSON.readTree(image.folder().resolve("config.json").toFile()).path("config");
      var bundle = new OciBundle(pod, container, config);
      var spec =
          Map.of(
              "ociVersion", "1.0.2",
              "root",
                  Map.of(
                      "path", image.folder().resolve("rootfs").toString(),
                      "readonly", Boolean.TRUE.equals(bundle.security.getReadOnlyRootFilesystem())),
              "process", bundle.process(arguments, environment),
              "mounts", bundle.mounts(mounts),
              "linux", bundle.linux(network));
      Files.createDirectories(folder);
      JSON.writeValue(folder.resolve("config.json").toFile(), spec);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Map<String, Object> process(List<String> arguments, Map<String, String> environment) {
    var user = image.path("User").asText("0:0").split(":");
    var ids = new LinkedHashMap<String, Object>();
    ids.put("uid", first(security.getRunAsUser(), podSecurity.getRunAsUser(), user[0]));
    ids.put("gid", first(security.getRunAsGroup(), podSecurity.getRunAsGroup(), user[1]));
    List<String> words =
        new ArrayList<>(
            container.getCommand().isEmpty() ? texts("Entrypoint") : container.getCommand());
    words.addAll(
        arguments.isEmpty() && container.getCommand().isEmpty() ? texts("Cmd") : arguments);
    var variables = new ArrayList<>(texts("Env"));
    environment.forEach((name, value) -> variables.add(name + "=" + value));
    var granted = capabilities();
    return Map.of(
        "user",
        ids,
        "args",
        words,
        "env",
        variables,
        "cwd",
        "/",
        "noNewPrivileges",
        Boolean.FALSE.equals(security.getAllowPrivilegeEscalation()),
        "capabilities",
        Map.of("bounding", granted, "effective", granted, "permitted", granted));
  }

  private static long first(Long own, Long ofPod, String ofImage) {
    return own != null ? own : ofPod != null ? ofPod : Long.parseLong(ofImage);
  }

  private List<String> texts(String field) {
    List<String> texts = new ArrayList<>();
    image.path(field).forEach(text -> texts.add(text.asText()));
    return texts;
  }

  /** Only the capabilities that the pod adds: all our pods drop those of the runtime. */
  private List<String> capabilities() {
    var capabilities = security.getCapabilities();
    if (capabilities == null || !capabilities.getDrop().contains("ALL")) {
      throw new IllegalStateException(container.getName() + " does not drop all capabilities");
    }
    return capabilities.getAdd().stream().map(name -> "CAP_" + name).toList();
  }

  private List<Map<String, Object>> mounts(Map<String, Path> volumes) {
    List<Map<String, Object>> mounts = new ArrayList<>();
    mounts.add(mount("/proc", "proc", "proc", List.of()));
    mounts.add(mount("/dev", "tmpfs", "tmpfs", List.of("nosuid", "strictatime", "mode=755")));
    mounts.add(mount("/sys", "sysfs", "sysfs", List.of("nosuid", "noexec", "nodev", "ro")));
    Set<String> readOnly =
        container.getVolumeMounts().stream()
            .filter(mount -> Boolean.TRUE.equals(mount.getReadOnly()))
            .map(VolumeMount::getMountPath)
            .collect(Collectors.toSet());
    new TreeMap<>(volumes)
        .forEach(
            (at, what) -> {
              boolean fixed = readOnly.contains(at) || at.startsWith("/var/run/secrets/");
              var options = List.of("rbind", "rprivate", fixed ? "ro" : "rw");
              mounts.add(mount(at, "bind", what.toString(), options));
            });
    return mounts;
  }

  private static Map<String, Object> mount(
      String at, String type, String source, List<String> options) {
    return Map.of("destination", at, "type", type, "source", source, "options", options);
  }

  private Map<String, Object> linux(Path network) throws IOException {
    var linux = new LinkedHashMap<String, Object>();
    List<Map<String, String>> namespaces = new ArrayList<>();
    namespaces.add(Map.of("type", "mount"));
    namespaces.add(Map.of("type", "ipc"));
    if (!Boolean.TRUE.equals(pod.getSpec().getHostPID())) {
      namespaces.add(Map.of("type", "pid"));
    }
    if (network != null) {
      namespaces.add(Map.of("type", "network", "path", network.toString()));
    }
    linux.put("namespaces", namespaces);
    linux.put("readonlyPaths", List.of("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"));
    linux.put("maskedPaths", List.of("/proc/kcore", "/proc/keys", "/sys/firmware"));
    linux.put(
        "cgroupsPath", System.getenv("VIRTUALIP_LAB_CGROUP") + "/" + pod.getMetadata().getUid());
    var limit = container.getResources().getLimits().get("memory");
    if (limit != null && Files.isWritable(MEMORY_CGROUPS)) {
      var bytes = Quantity.getAmountInBytes(limit).longValueExact();
      linux.put("resources", Map.of("memory", Map.of("limit", bytes, "swap", bytes)));
    }
    var profile =
        security.getSeccompProfile() == null
            ? podSecurity.getSeccompProfile()
            : security.getSeccompProfile();
    if (profile != null && profile.getType().equals("RuntimeDefault") && Files.exists(SECCOMP)) {
      linux.put("seccomp", seccomp());
    }
    return linux;
  }

  /** The rules that apply to this container's capabilities and this architecture. */
  private Map<String, Object> seccomp() throws IOException {
    var machine = System.getProperty("os.arch");
    var profile = JSON.readTree(SECCOMP.toFile());
    List<String> architectures = new ArrayList<>();
    for (var each : profile.path("archMap")) {
      boolean own =
          each.path("architecture")
              .asText()
              .endsWith(machine.equals("amd64") ? "X86_64" : "AARCH64");
      if (own) {
        architectures.add(each.path("architecture").asText());
        each.path("subArchitectures").forEach(sub -> architectures.add(sub.asText()));
      }
    }
    var facts = Set.copyOf(capabilities());
    List<Map<String, Object>> rules = new ArrayList<>();
    for (var rule : profile.path("syscalls")) {
      var includes = rule.path("includes");
      var excludes = rule.path("excludes");
      boolean applies =
          among(includes.path("caps"), facts, true)
              && among(includes.path("arches"), Set.of(machine), true)
              && !among(excludes.path("caps"), facts, false)
              && !among(excludes.path("arches"), Set.of(machine), false);
      if (applies) {
        var copy = new LinkedHashMap<String, Object>();
        for (var field : List.of("names", "action", "args", "errnoRet")) {
          if (rule.hasNonNull(field)) {
            copy.put(field, rule.get(field));
          }
        }
        rules.add(copy);
      }
    }
    return Map.of(
        "defaultAction",
        profile.path("defaultAction").asText(),
        "defaultErrnoRet",
        profile.path("defaultErrnoRet").asInt(),
        "architectures",
        architectures,
        "syscalls",
        rules);
  }

  /** Whether one of the words is among the facts; {@code ifNone} without words. */
  private static boolean among(JsonNode words, Set<String> facts, boolean ifNone) {
    if (words.isEmpty()) {
      return ifNone;
    }
    for (var word : words) {
      if (facts.contains(word.asText())) {
        return true;
      }
    }
    return false;
  }
}
