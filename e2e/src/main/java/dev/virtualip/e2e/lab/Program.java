package dev.virtualip.e2e.lab;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A program that a lab node runs for an image of a pod. */
public sealed interface Program {
  /** A command in the node's own file system. */
  record Command(List<String> words) implements Program {
    /** The same, word by word. */
    public Command(String... words) {
      this(List.of(words));
    }
  }

  /**
   * The image itself, in a container by runc.
   *
   * @param folder folder with the unpacked {@code rootfs} and {@code config.json}, the OCI image
   *     configuration, as {@code make images} leaves it
   */
  record Image(Path folder) implements Program {}

  /** The project's own programs, as {@code make build} leaves them, by image name. */
  static Map<String, Program> built() {
    Map<String, Program> own = new HashMap<>();
    for (String module : List.of("agent", "operator")) {
      String name = "virtualip-" + module;
      own.put(name, new Command(Lab.root().resolve(module + "/target/" + name).toString()));
    }
    return Map.copyOf(own);
  }

  /**
   * The project's own images, those of the {@link Lab#release} or as {@code make images} leaves
   * them, by a part of the image name. The agent's with a shell comes first: its name has the
   * other's in it.
   */
  static Map<String, Program> images() {
    Map<String, Program> own = new LinkedHashMap<>();
    own.put("-exec", image("virtualip-agent-exec"));
    for (String name : List.of("virtualip-agent", "virtualip-operator")) {
      own.put(name, image(name));
    }
    return own;
  }

  private static Image image(String name) {
    return new Image(Lab.release().orElse(Lab.root().resolve("target/images")).resolve(name));
  }

  /** Why {@link #images} cannot be run here, or an empty text when they can. */
  static String imagesMissing() {
    for (Program program : images().values()) {
      if (program instanceof Image(Path folder) && !Files.exists(folder.resolve("config.json"))) {
        return "no images: run make images first";
      }
    }
    return Shell.result(List.of("sh", "-c", "command -v runc")).exit() == 0
        ? ""
        : "no runc: apt install runc";
  }
}
