package dev.virtualip.e2e.lab;

import io.fabric8.kubernetes.api.model.Capabilities;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Turns a container of a pod into a program on the node's host. */
final class ContainerCommand {
  private static final String CREDENTIALS = "/var/run/secrets/kubernetes.io/serviceaccount";
  private static final String RUNC = "/run/lab/runc";
  private static final Pattern VARIABLE = Pattern.compile("\\$\\(([A-Za-z_][A-Za-z0-9_.-]*)\\)");
  // A missing mount point is created on an overlay in memory, not on the machine's disk.
  private static final String MOUNT =
      """
      parent=$2
      while [ ! -d "$parent" ]; do parent=$(dirname "$parent"); done
      if [ ! -d "$2" ]; then
        case $(readlink -f "$parent") in
          /run*) ;;
          *)
            layer=$(mktemp -d /run/lab/layer.XXXXXX)
            mkdir "$layer/upper" "$layer/work"
            mount -t overlay overlay \
              -o "lowerdir=$parent,upperdir=$layer/upper,workdir=$layer/work" "$parent"
            ;;
        esac
        mkdir -p "$2"
      fi
      mount --bind "$1" "$2"
      """;

  private final LabNode node;
  private final Pod pod;
  // By container name. A restart needs no API server.
  private final Map<String, Map<String, Path>> mounts = new HashMap<>();
  private int started;

  ContainerCommand(LabNode node, Pod pod) {
    this.node = node;
    this.pod = pod;
  }

  /** Starts the container's program in the node's network. */
  Proc start(Container container) {
    return switch (node.program(container.getImage())) {
      case Program.Command command -> start(container, command);
      case Program.Image image -> start(container, image);
    };
  }

  private String name(Container container) {
    return pod.getMetadata().getName() + "-" + container.getName();
  }

  /**
   * Starts a container by runc. runc runs on the control host, since network namespaces have
   * another /sys.
   */
  private Proc start(Container container, Program.Image image) {
    Map<String, String> environment = environment(container);
    String id = pod.getMetadata().getUid() + "-" + started++;
    Path bundle = node.folder().resolve("bundles/" + id);
    OciBundle.write(
        bundle,
        image,
        pod,
        container,
        container.getArgs().stream().map(word -> expand(word, environment)).toList(),
        environment,
        mounts.computeIfAbsent(container.getName(), _ -> mounts(container, false)),
        node.host().namespace());
    return node.host()
        .startOutside(
            name(container), "runc", "--root", RUNC, "run", "--bundle", bundle.toString(), id);
  }

  /**
   * A program of the machine in a mount namespace of its own, with the heap it has in the image.
   */
  private Proc start(Container container, Program.Command stand) {
    Map<String, String> environment = environment(container);
    Quantity limit =
        container.getResources() == null
            ? null
            : container.getResources().getLimits().get("memory");
    if (limit != null) {
      long half = Quantity.getAmountInBytes(limit).longValueExact() / 2;
      environment.put("JAVA_OPTS", "-Xmx" + half);
    }
    List<String> program = new ArrayList<>(capabilities(container));
    program.addAll(stand.words());
    container.getCommand().stream().skip(1).forEach(word -> program.add(expand(word, environment)));
    container.getArgs().forEach(word -> program.add(expand(word, environment)));

    List<String> command =
        new ArrayList<>(List.of("unshare", "--mount", "--propagation", "private", "sh", "-ec"));
    StringBuilder script = new StringBuilder("mount_at() {\n" + MOUNT + "}\n");
    mounts
        .computeIfAbsent(container.getName(), _ -> mounts(container, true))
        .forEach((at, what) -> script.append("mount_at '%s' '%s'\n".formatted(what, at)));
    command.add(script.append("exec \"$@\"").toString());
    command.add("sh");
    command.addAll(program);
    return node.host().start(name(container), environment, command.toArray(String[]::new));
  }

  private static List<String> capabilities(Container container) {
    Capabilities capabilities =
        container.getSecurityContext() == null
            ? null
            : container.getSecurityContext().getCapabilities();
    if (capabilities == null || !capabilities.getDrop().contains("ALL")) {
      return List.of();
    }
    String kept =
        capabilities.getAdd().stream()
            .map(name -> ",+" + name.toLowerCase(Locale.ROOT))
            .collect(Collectors.joining());
    return List.of("setpriv", "--bounding-set", "-all" + kept);
  }

  private Map<String, String> environment(Container container) {
    Map<String, String> environment = new HashMap<>(node.api().podEnvironment());
    for (EnvVar variable : container.getEnv()) {
      String value =
          variable.getValueFrom() == null
              ? expand(variable.getValue() == null ? "" : variable.getValue(), environment)
              : field(variable);
      environment.put(variable.getName(), value);
    }
    return environment;
  }

  private String field(EnvVar variable) {
    if (variable.getValueFrom().getFieldRef() == null) {
      throw new IllegalStateException("env " + variable.getName() + ": only fieldRef is known");
    }
    String path = variable.getValueFrom().getFieldRef().getFieldPath();
    return switch (path) {
      case "metadata.name" -> pod.getMetadata().getName();
      case "metadata.namespace" -> pod.getMetadata().getNamespace();
      case "metadata.uid" -> pod.getMetadata().getUid();
      case "spec.nodeName" -> node.name();
      case "spec.serviceAccountName" -> pod.getSpec().getServiceAccountName();
      case "status.podIP", "status.hostIP" -> node.internalIp();
      default ->
          throw new IllegalStateException("env " + variable.getName() + ": unknown field " + path);
    };
  }

  private static String expand(String text, Map<String, String> environment) {
    return VARIABLE
        .matcher(text)
        .replaceAll(
            match ->
                Matcher.quoteReplacement(environment.getOrDefault(match.group(1), match.group())));
  }

  /** Folders of the host by the path in the container. */
  private Map<String, Path> mounts(Container container, boolean onMachine) {
    Map<String, Path> paths = new LinkedHashMap<>();
    String account = pod.getSpec().getServiceAccountName();
    KubernetesClient client = node.api().client();
    String namespace = pod.getMetadata().getNamespace();
    if (account != null
        && !Boolean.FALSE.equals(pod.getSpec().getAutomountServiceAccountToken())
        && client.serviceAccounts().inNamespace(namespace).withName(account).get() != null) {
      Map<String, String> files = new HashMap<>();
      files.put("token", node.api().token(namespace, account));
      files.put("namespace", namespace);
      files.put("ca.crt", node.api().certificateAuthority());
      paths.put(CREDENTIALS, folder("pods/" + pod.getMetadata().getUid() + "/credentials", files));
    }
    Map<String, Volume> volumes =
        pod.getSpec().getVolumes().stream().collect(Collectors.toMap(Volume::getName, v -> v));
    for (VolumeMount mount : container.getVolumeMounts()) {
      // A volume at /tmp must not hide the programs of a project that lies below /tmp.
      boolean hidesProject = onMachine && Lab.root().startsWith(mount.getMountPath());
      if (!mount.getMountPath().equals(CREDENTIALS) && !hidesProject) {
        paths.put(mount.getMountPath(), volume(volumes.get(mount.getName()), mount));
      }
    }
    return paths;
  }

  /** hostPath: a folder of this node that outlives the pod, not one of the machine. */
  private Path volume(Volume volume, VolumeMount mount) {
    String own = LabNode.volumeOf(pod.getMetadata().getUid(), mount.getName());
    String namespace = pod.getMetadata().getNamespace();
    KubernetesClient client = node.api().client();
    if (volume.getHostPath() != null) {
      return folder(node.disk(volume.getHostPath().getPath()), Map.of());
    }
    if (volume.getEmptyDir() != null) {
      Path folder = folder(own, Map.of());
      Shell.run("chmod", "777", folder.toString());
      return folder;
    }
    if (volume.getConfigMap() != null) {
      String name = volume.getConfigMap().getName();
      ConfigMap map = client.configMaps().inNamespace(namespace).withName(name).get();
      if (map == null && !Boolean.TRUE.equals(volume.getConfigMap().getOptional())) {
        throw new IllegalStateException("volume " + volume.getName() + ": no ConfigMap " + name);
      }
      Path folder = folder(own, map == null || map.getData() == null ? Map.of() : map.getData());
      setModes(folder, volume.getConfigMap().getDefaultMode());
      return folder;
    }
    if (volume.getSecret() != null) {
      String name = volume.getSecret().getSecretName();
      Secret secret = client.secrets().inNamespace(namespace).withName(name).require();
      Map<String, String> files = new HashMap<>();
      secret.getData().forEach((key, value) -> files.put(key, decode(value)));
      return folder(own, files);
    }
    throw new IllegalStateException("volume " + volume.getName() + ": its kind is not known here");
  }

  private static String decode(String base64) {
    return new String(Base64.getDecoder().decode(base64), StandardCharsets.UTF_8);
  }

  private static void setModes(Path folder, Integer mode) {
    if (mode != null) {
      Shell.run(
          "sh",
          "-ec",
          "for f in $0/*; do [ ! -e $f ] || chmod $1 $f; done",
          folder.toString(),
          "%o".formatted(mode));
    }
  }

  private Path folder(String path, Map<String, String> files) {
    return folder(node.folder().resolve(path), files);
  }

  private static Path folder(Path folder, Map<String, String> files) {
    try {
      Files.createDirectories(folder);
      for (Map.Entry<String, String> file : files.entrySet()) {
        Files.writeString(folder.resolve(file.getKey()), file.getValue());
      }
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
