/** What every decoder back end offers: sessions that prefill and decode, and their KV cache. */
package org.autodidact.onnxruntime.backend;
