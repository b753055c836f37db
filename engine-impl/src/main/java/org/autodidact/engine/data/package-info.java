/** JSON-lines files: prompts and training examples, every line checked. */
package org.autodidact.engine.data;
