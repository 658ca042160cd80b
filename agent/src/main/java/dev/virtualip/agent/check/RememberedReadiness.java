package dev.virtualip.agent.check;

import dev.virtualip.agent.disk.BootFile;
import dev.virtualip.crds.schema.LabelSelector;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the last answers about pods on disk, for an agent that starts while the API server is away.
 * After a reboot they are void, since no pod runs then.
 */
public final class RememberedReadiness implements PodReadiness {
  private static final Logger LOG = LoggerFactory.getLogger(RememberedReadiness.class);

  private final PodReadiness live;
  private final BootFile file;
  private final Map<Question, Boolean> earlier = new HashMap<>();
  private final Map<Question, Boolean> answers = new HashMap<>();

  private record Question(String namespace, LabelSelector selector) {}

  private record Answer(String namespace, LabelSelector selector, boolean ready) {}

  private record Content(List<Answer> answers) {}

  /**
   * Reads the answers of an earlier life of the agent.
   *
   * @param stateDirectory directory of the file; created when needed
   * @param live takes precedence as soon as the API server has answered
   */
  public static RememberedReadiness in(Path stateDirectory, PodReadiness live) {
    return new RememberedReadiness(new BootFile(stateDirectory.resolve("pods.json")), live);
  }

  RememberedReadiness(BootFile file, PodReadiness live) {
    this.live = live;
    this.file = file;
    read();
  }

  @Override
  public synchronized Optional<Readiness> readiness(String namespace, LabelSelector selector) {
    var question = new Question(namespace, selector);
    var answer = live.readiness(namespace, selector);
    if (answer.isEmpty()) {
      return Optional.ofNullable(earlier.get(question))
          .map(ready -> ready ? Readiness.Ready : Readiness.None);
    }
    // Who asks in another life asks too late for a pod that terminates now.
    boolean ready = answer.get() == Readiness.Ready;
    if (!Objects.equals(ready, answers.put(question, ready))) {
      write();
    }
    return answer;
  }

  @Override
  public Runnable follow(String namespace, LabelSelector selector, Runnable changed) {
    return live.follow(namespace, selector, changed);
  }

  private void read() {
    try {
      file.read(Content.class)
          .map(Content::answers)
          .orElse(List.of())
          .forEach(a -> earlier.put(new Question(a.namespace(), a.selector()), a.ready()));
    } catch (IOException | RuntimeException e) {
      LOG.warn("pods_ignored file={} error=\"{}\"", file.file(), firstLine(e));
    }
  }

  private void write() {
    try {
      file.write(
          new Content(
              answers.entrySet().stream()
                  .map(e -> new Answer(e.getKey().namespace(), e.getKey().selector(), e.getValue()))
                  .toList()));
    } catch (IOException e) {
      LOG.warn(
          "pods_not_written file={} error=\"{}\": a restart without API server waits for it",
          file.file(),
          firstLine(e));
    }
  }

  private static String firstLine(Exception e) {
    return e.toString().lines().findFirst().orElse("");
  }
}
