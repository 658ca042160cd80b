package dev.virtualip.operator.watch;

import io.fabric8.kubernetes.api.model.HasMetadata;
import java.math.BigInteger;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Objects as the API server answered the operator's own writes, in place of older ones in the
 * cache. Without them a decision right after a write would give an address away twice. Used by one
 * thread.
 */
public final class Latest {
  /** A cache that lags behind for longer has lost its watch, and is read anew. */
  private static final Duration KEPT = Duration.ofSeconds(30);

  private final Map<String, Answer> answers = new HashMap<>();

  private record Answer(HasMetadata object, boolean created, Instant until) {}

  /**
   * An object as the server answered a write, at a time.
   *
   * @param created whether the cache may lack it: else it is gone if it does
   */
  public void put(HasMetadata object, boolean created, Instant now) {
    answers.put(object.getMetadata().getUid(), new Answer(object, created, now.plus(KEPT)));
  }

  /** An object that was found to be gone. */
  public void remove(HasMetadata object) {
    answers.remove(object.getMetadata().getUid());
  }

  /** Whether an object was written after {@link #of} returned it. */
  public boolean isNewerThan(HasMetadata seen) {
    var answer = answers.get(seen.getMetadata().getUid());
    return answer != null && answer.object() != seen;
  }

  /** The newest of the objects of one type, those among them that the cache lacks at the end. */
  public <T extends HasMetadata> List<T> of(Class<T> type, Stream<T> cached, Instant now) {
    answers.values().removeIf(answer -> answer.until().isBefore(now));
    var newest = new LinkedHashMap<String, T>();
    cached.forEach(object -> newest.put(object.getMetadata().getUid(), object));
    for (var answered = answers.entrySet().iterator(); answered.hasNext(); ) {
      var next = answered.next();
      if (type.isInstance(next.getValue().object())) {
        var object = type.cast(next.getValue().object());
        var seen = newest.get(next.getKey());
        boolean newer =
            seen == null ? next.getValue().created() : version(seen).compareTo(version(object)) < 0;
        if (newer) {
          newest.put(next.getKey(), object);
        } else {
          answered.remove();
        }
      }
    }
    return List.copyOf(newest.values());
  }

  /** All API servers count up. */
  private static BigInteger version(HasMetadata object) {
    return new BigInteger(object.getMetadata().getResourceVersion());
  }
}
