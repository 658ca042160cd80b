package dev.virtualip.agent.disk;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;

/**
 * A JSON file that is valid only until the next boot, and so is never forced to the disk.
 *
 * @param file path of the file; its directory is created when needed
 * @param bootId path of the file with the kernel's boot ID
 */
public record BootFile(Path file, Path bootId) {
  private static final JsonMapper MAPPER = new JsonMapper();
  private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

  private record Content(String bootId, JsonNode content) {}

  /** A file that is valid for this node's boot, {@code /proc/sys/kernel/random/boot_id}. */
  public BootFile(Path file) {
    this(file, BOOT_ID);
  }

  /**
   * The content written since the last boot; empty if there is none.
   *
   * @throws IOException if the file cannot be read, or is not such a file
   */
  public <T> Optional<T> read(Class<T> type) throws IOException {
    try {
      var read = MAPPER.readValue(file.toFile(), Content.class);
      return read.content() == null || !boot().equals(read.bootId())
          ? Optional.empty()
          : Optional.of(MAPPER.treeToValue(read.content(), type));
    } catch (NoSuchFileException | FileNotFoundException _) {
      return Optional.empty();
    }
  }

  /**
   * Replaces the file atomically.
   *
   * @throws IOException if it cannot be written
   */
  public void write(Object content) throws IOException {
    Files.createDirectories(file.getParent());
    var temporary = file.resolveSibling(file.getFileName() + ".tmp");
    MAPPER.writeValue(temporary.toFile(), new Content(boot(), MAPPER.valueToTree(content)));
    Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
  }

  private String boot() throws IOException {
    return Files.readString(bootId).strip();
  }
}
