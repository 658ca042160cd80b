package dev.virtualip.agent.disk;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.virtualip.agent.vrrp.HmacKey;
import dev.virtualip.agent.vrrp.KeyRing;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file with the keys of signed adverts, former ones included: while keys roll over, an agent that
 * is started again has to accept keys that no Secret has any more.
 */
public final class KeyRecord {
  private static final Logger LOG = LoggerFactory.getLogger(KeyRecord.class);
  private static final JsonMapper MAPPER = new JsonMapper();

  private final Path file;
  private Map<String, KeyRing> written = Map.of();

  private KeyRecord(Path file) {
    this.file = file;
  }

  /** The record in a directory, which is created when needed. */
  public static KeyRecord in(Path stateDirectory) {
    return new KeyRecord(stateDirectory.resolve("keys.json"));
  }

  private record Content(Map<String, Ring> rings) {}

  private record Ring(List<Key> keys, List<Key> kept, Key sends) {}

  private record Key(int id, byte[] bytes) {}

  /**
   * The last record, by name of the VirtualIP. Empty, with a line in the log, if it cannot be used.
   */
  public synchronized Map<String, KeyRing> read() {
    var rings = new TreeMap<String, KeyRing>();
    try {
      MAPPER
          .readValue(file.toFile(), Content.class)
          .rings()
          .forEach((name, ring) -> rings.put(name, ring(ring)));
      written = Map.copyOf(rings);
    } catch (NoSuchFileException | FileNotFoundException _) {
      LOG.debug("no_keys file={}", file);
    } catch (IOException | RuntimeException e) {
      // The message may have a part of the file.
      LOG.warn("keys_ignored file={} error={}", file, e.getClass().getSimpleName());
    }
    return written;
  }

  /** Writes the record if it has changed. A failure is logged, and the next change tries again. */
  public synchronized void write(Map<String, KeyRing> rings) {
    if (rings.equals(written)) {
      return;
    }
    var content = new TreeMap<String, Ring>();
    rings.forEach((name, ring) -> content.put(name, ring(ring)));
    try {
      OwnersFile.replace(file, MAPPER.writeValueAsBytes(new Content(content)));
      written = Map.copyOf(rings);
    } catch (IOException e) {
      LOG.warn(
          "keys_not_written file={} error=\"{}\": a restart does not know former keys",
          file,
          e.toString().lines().findFirst().orElse(""));
    }
  }

  private static Ring ring(KeyRing ring) {
    return new Ring(
        ring.keys().stream().map(KeyRecord::key).toList(),
        ring.kept().stream().map(KeyRecord::key).toList(),
        key(ring.sends()));
  }

  private static KeyRing ring(Ring ring) {
    return new KeyRing(
        ring.keys().stream().map(KeyRecord::key).toList(),
        ring.kept().stream().map(KeyRecord::key).toList(),
        key(ring.sends()));
  }

  private static Key key(HmacKey key) {
    return new Key(key.id(), key.bytes());
  }

  private static HmacKey key(Key key) {
    return new HmacKey(key.id(), key.bytes());
  }
}
