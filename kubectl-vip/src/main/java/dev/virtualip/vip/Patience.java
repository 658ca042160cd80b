package dev.virtualip.vip;

import dev.virtualip.crds.values.Durations;
import java.time.Duration;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** How long a command waits for what it has asked for. */
final class Patience {
  @Option(
      names = "--timeout",
      paramLabel = "TIME",
      defaultValue = "30s",
      converter = Converter.class,
      description = "How long to wait, as in 30s or 2m. Default: ${DEFAULT-VALUE}.")
  private Duration timeout;

  Duration timeout() {
    return timeout;
  }

  /** Durations as in manifests. */
  static final class Converter implements ITypeConverter<Duration> {
    @Override
    public Duration convert(String text) {
      try {
        return Durations.parse(text);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }
}
