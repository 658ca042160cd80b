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
 * A JSON file that counts on the boot in which it was written, and so is not forced to the disk.
 *
 * @param file where it is; its directory is made when needed
 * @param bootId the file that holds the boot's ID
 */
public record BootFile(Path file, Path bootId) {
  private static final JsonMapper MAPPER = new JsonMapper();
  private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

  private record Content(String bootId, JsonNode content) {}

  /** A file of this node. */
  public BootFile(Path file) {
    this(file, BOOT_ID);
  }

  /**
   * What was written on this boot; empty if nothing was.
   *
   * @throws IOException if something else is there
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

  /** Replaces it as a whole. */
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
