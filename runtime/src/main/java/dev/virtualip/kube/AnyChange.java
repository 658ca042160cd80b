package dev.virtualip.kube;

import io.fabric8.kubernetes.client.informers.ResourceEventHandler;

/**
 * Tells of each change of an object, after it is in the store.
 *
 * @param changed must not block
 */
public record AnyChange<T>(Runnable changed) implements ResourceEventHandler<T> {
  @Override
  public void onAdd(T object) {
    changed.run();
  }

  @Override
  public void onUpdate(T before, T object) {
    changed.run();
  }

  @Override
  public void onDelete(T object, boolean finalStateUnknown) {
    changed.run();
  }
}
