package dev.virtualip.process;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class ProcessMetricsTest {
  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);

  private double scraped(String name) {
    new ProcessMetrics().bindTo(registry);
    var line = Pattern.compile("(?m)^" + name + " (\\S+)$").matcher(registry.scrape());
    assertTrue(line.find(), () -> name + " is not in\n" + registry.scrape());
    return Double.parseDouble(line.group(1));
  }

  @Test
  void namesAreThoseOfPrometheusClientsAndValuesAreThisProcess() {
    assertTrue(scraped("process_resident_memory_bytes") > 10e6);
    assertTrue(scraped("process_cpu_seconds_total") > 0);
    assertTrue(scraped("process_open_fds") >= 3);
    assertTrue(scraped("process_start_time_seconds") > 1.7e9);
    assertTrue(scraped("jvm_heap_used_bytes") < scraped("jvm_heap_max_bytes"));
  }
}
