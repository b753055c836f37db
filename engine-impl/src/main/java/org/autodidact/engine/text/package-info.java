/** Measures of texts: ROUGE-L, and an index that finds near duplicates by it. */
package org.autodidact.engine.text;
