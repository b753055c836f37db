/** GGUF, llama.cpp's file format: imported into Hugging Face folders, and exported. */
package org.autodidact.checkpoints.gguf;
