package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** deploy/launcher/install-packages, with an apt-get that only notes what is asked of it. */
@InLab
class InstallPackagesIT {
  private static final String APT = "-qq -o DPkg::Lock::Timeout=300 ";
  private static final String INSTALL = APT + "install -y --no-install-recommends wanted";

  @TempDir private Path dir;

  @BeforeEach
  void programs() throws IOException {
    program(
        "apt-get", "echo \"$*\" >>%1$s/calls\ncase $* in *update) ! rm %1$s/locked 2>&- ;; esac");
    program("sleep", "");
  }

  private void program(String name, String body) throws IOException {
    var file = Files.writeString(dir.resolve(name), "#!/bin/sh\n" + body.formatted(dir) + "\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  /** Its own /usr/sbin, where the script forbids packages to start their services. */
  private List<String> install() throws IOException {
    try (var lab = Lab.open()) {
      lab.control()
          .run(
              "unshare",
              "--mount",
              "--propagation=private",
              "sh",
              "-ec",
              "mount -t tmpfs tmpfs /usr/sbin; PATH=%s:$PATH; %s/deploy/launcher/install-packages %s"
                  .formatted(dir, Lab.root(), "no-such-command:wanted"));
    }
    return Files.readAllLines(dir.resolve("calls"));
  }

  @Test
  void whatIsMissingIsInstalled() throws IOException {
    assertEquals(List.of(APT + "update", INSTALL), install());
  }

  /** apt waits by itself for dpkg's lock, and not for that of the package lists. */
  @Test
  void whoeverElseReadsThePackageListsIsWaitedFor() throws IOException {
    Files.createFile(dir.resolve("locked"));
    assertEquals(List.of(APT + "update", APT + "update", INSTALL), install());
  }
}
