package dev.virtualip.vip;

import dev.virtualip.crds.schema.VirtualIp;
import io.fabric8.kubernetes.api.model.NamedContext;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options by which a command finds its API server, and its way there. */
final class Connection {
  private static final int CONNECT_TIMEOUT_MS = 3000;
  private static final int REQUEST_TIMEOUT_MS = 10_000;

  @Option(
      names = "--kubeconfig",
      paramLabel = "FILE",
      description = "Default: what kubectl would use.")
  private Path kubeconfig;

  @Option(names = "--context", paramLabel = "NAME", description = "Context of the kubeconfig.")
  private String context;

  @Option(
      names = {"-n", "--namespace"},
      paramLabel = "NAME",
      defaultValue = "virtualip-system",
      description = "Namespace of operator and agents. Default: ${DEFAULT-VALUE}.")
  private String namespace;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  String namespace() {
    return namespace;
  }

  /** Where the command prints. */
  Screen screen() {
    return Screen.of(command.commandLine().getOut());
  }

  /** The wall clock. */
  Instant now() {
    return Instant.now();
  }

  /** A client with short timeouts: somebody waits. */
  KubernetesClient open() {
    if (kubeconfig != null && !Files.isReadable(kubeconfig)) {
      throw new ParameterException(
          command.commandLine(), "can't read --kubeconfig %s".formatted(kubeconfig));
    }
    var config =
        kubeconfig == null
            ? Config.autoConfigure(context)
            : Config.fromKubeconfig(context, kubeconfig.toFile());
    var contexts = config.getContexts().stream().map(NamedContext::getName).toList();
    if (context != null && !contexts.contains(context)) {
      throw new ParameterException(
          command.commandLine(),
          "there is no --context %s; there are %s".formatted(context, String.join(", ", contexts)));
    }
    return new KubernetesClientBuilder()
        .withConfig(
            new ConfigBuilder(config)
                .withConnectionTimeout(CONNECT_TIMEOUT_MS)
                .withRequestTimeout(REQUEST_TIMEOUT_MS)
                .withRequestRetryBackoffLimit(0)
                .build())
        .build();
  }

  /** The agents' pods. */
  List<Pod> agents(KubernetesClient client) {
    return client
        .pods()
        .inNamespace(namespace)
        .withLabel("app.kubernetes.io/name", "virtualip-agent")
        .list()
        .getItems();
  }

  /** All VirtualIPs, by name. */
  static List<VirtualIp> all(KubernetesClient client) {
    return client.resources(VirtualIp.class).list().getItems().stream()
        .sorted(Comparator.comparing(vip -> vip.getMetadata().getName()))
        .toList();
  }

  /**
   * A VirtualIP by its name.
   *
   * @throws IllegalStateException if there is none; the message names those there are
   */
  static VirtualIp one(KubernetesClient client, String name) {
    var vip = client.resources(VirtualIp.class).withName(name).get();
    if (vip == null) {
      var names =
          all(client).stream()
              .map(v -> v.getMetadata().getName())
              .collect(Collectors.joining(", "));
      throw new IllegalStateException(
          "there is no VirtualIP %s; %s"
              .formatted(name, names.isEmpty() ? "there is none at all" : "there are " + names));
    }
    return vip;
  }

  /** What went wrong, in one line for a person. */
  static String message(Throwable failure) {
    if (failure instanceof KubernetesClientException refused && refused.getStatus() != null) {
      var status = refused.getStatus().getMessage();
      return "the API server refused: %s%s"
          .formatted(
              status == null ? "HTTP " + refused.getCode() : status,
              refused.getCode() == 404 ? "; is virtualip installed?" : "");
    }
    if (failure instanceof FileSystemException file && file.getReason() == null) {
      // Its message is the name of the file alone.
      return file.getMessage()
          + switch (file) {
            case NoSuchFileException _ -> ": there is no such file or folder";
            case AccessDeniedException _ -> ": permission denied";
            case FileAlreadyExistsException _ -> " is there already";
            default -> ": " + file.getClass().getSimpleName();
          };
    }
    if (failure instanceof KubernetesClientException) {
      return "can't reach the API server: %s; see --kubeconfig and --context"
          .formatted(root(failure));
    }
    return failure.getMessage() == null ? failure.toString() : failure.getMessage();
  }

  /** What the cause of all says; some say nothing but what they are. */
  private static String root(Throwable failure) {
    var root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root.getMessage() == null ? root.getClass().getSimpleName() : root.getMessage();
  }
}
