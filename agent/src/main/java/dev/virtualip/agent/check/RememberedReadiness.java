package dev.virtualip.agent.check;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.virtualip.crds.LabelSelector;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Remembers the last answers about pods on disk, so that an agent that starts while the API server
 * is away goes on with them. After a reboot they count no more: no pod runs then, whatever was said
 * before.
 */
public final class RememberedReadiness implements PodReadiness {
  private static final Logger LOG = LoggerFactory.getLogger(RememberedReadiness.class);
  private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");
  private static final JsonMapper MAPPER = new JsonMapper();

  private final PodReadiness live;
  private final Path file;
  private final Path bootId;
  private final Map<Question, Boolean> earlier = new HashMap<>();
  private final Map<Question, Boolean> answers = new HashMap<>();

  private record Question(String namespace, LabelSelector selector) {}

  private record Answer(String namespace, LabelSelector selector, boolean ready) {}

  private record Content(String bootId, List<Answer> answers) {}

  /**
   * Reads what an earlier life of the agent has been told.
   *
   * @param stateDirectory where it is kept; made when needed
   * @param live knows as soon as the API server has answered
   */
  public static RememberedReadiness in(Path stateDirectory, PodReadiness live) {
    return new RememberedReadiness(stateDirectory, live, BOOT_ID);
  }

  /** The same with another file for the boot's ID. */
  RememberedReadiness(Path stateDirectory, PodReadiness live, Path bootId) {
    this.live = live;
    this.file = stateDirectory.resolve("pods.json");
    this.bootId = bootId;
    read();
  }

  @Override
  public synchronized Optional<Boolean> anyReady(String namespace, LabelSelector selector) {
    var question = new Question(namespace, selector);
    var answer = live.anyReady(namespace, selector);
    if (answer.isEmpty()) {
      return Optional.ofNullable(earlier.get(question));
    }
    if (!answer.get().equals(answers.put(question, answer.get()))) {
      write();
    }
    return answer;
  }

  private void read() {
    try {
      var content = MAPPER.readValue(file.toFile(), Content.class);
      if (content.answers() != null && boot().equals(content.bootId())) {
        content
            .answers()
            .forEach(a -> earlier.put(new Question(a.namespace(), a.selector()), a.ready()));
      }
    } catch (NoSuchFileException | FileNotFoundException _) {
      LOG.debug("no_answers_about_pods file={}", file);
    } catch (IOException | RuntimeException e) {
      LOG.warn("pods_ignored file={} error=\"{}\"", file, firstLine(e));
    }
  }

  /** Not forced to the disk: it counts on this boot only. */
  private void write() {
    try {
      var all =
          answers.entrySet().stream()
              .map(e -> new Answer(e.getKey().namespace(), e.getKey().selector(), e.getValue()))
              .toList();
      Files.createDirectories(file.getParent());
      var temporary = file.resolveSibling(file.getFileName() + ".tmp");
      MAPPER.writeValue(temporary.toFile(), new Content(boot(), all));
      Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      LOG.warn(
          "pods_not_written file={} error=\"{}\": a restart without API server waits for it",
          file,
          firstLine(e));
    }
  }

  private String boot() throws IOException {
    return Files.readString(bootId).strip();
  }

  private static String firstLine(Exception e) {
    return e.toString().lines().findFirst().orElse("");
  }
}
