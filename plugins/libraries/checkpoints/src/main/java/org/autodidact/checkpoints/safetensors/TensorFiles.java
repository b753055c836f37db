package org.autodidact.checkpoints.safetensors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.autodidact.api.InvalidInputException;
import org.autodidact.checkpoints.files.Warnings;
import org.autodidact.checkpoints.json.JsonFiles;

/**
 * Which safetensors files of a folder are its model, as transformers 5 decides it: {@code
 * model.safetensors} where it is there, else the files that the index names.
 */
public final class TensorFiles {
  private static final String WHOLE = "model.safetensors";

  private TensorFiles() {}

  /** What the model's files hold. A tensor is in one of them only. */
  public static List<Safetensors.Contents> read(Path folder) {
    Path index = folder.resolve(WHOLE + ".index.json");
    Path whole = folder.resolve(WHOLE);
    if (Files.exists(whole) || !Files.exists(index)) {
      Safetensors.Contents contents = Safetensors.read(whole);
      if (Files.exists(index) && !namesOnlyTheWhole(index)) {
        Warnings.once(
            folder
                + ": the weights are read from "
                + WHOLE
                + ", as transformers does; "
                + index.getFileName()
                + " beside it names other files, which are not read. Delete the one that is stale");
      }
      return List.of(contents);
    }
    Map<String, String> fileOfTensor = fileOfTensor(index);
    List<Safetensors.Contents> shards = new ArrayList<>();
    Map<String, String> found = new HashMap<>();
    for (String shard : new TreeSet<>(fileOfTensor.values())) {
      Safetensors.Contents contents = Safetensors.read(folder.resolve(shard));
      shards.add(contents);
      for (String tensor : names(contents)) {
        String other = found.put(tensor, shard);
        if (other != null) {
          throw new InvalidInputException(
              index
                  + ": the tensor '"
                  + tensor
                  + "' is in two files, "
                  + other
                  + " and "
                  + shard
                  + "; the files are of different models, fetch them again");
        }
      }
    }
    fileOfTensor.forEach(
        (tensor, shard) -> {
          if (!shard.equals(found.get(tensor))) {
            throw notThere(index, tensor, shard, found.get(tensor));
          }
        });
    return List.copyOf(shards);
  }

  private static boolean namesOnlyTheWhole(Path index) {
    try {
      return Set.of(WHOLE).containsAll(fileOfTensor(index).values());
    } catch (InvalidInputException e) {
      return false;
    }
  }

  private static List<String> names(Safetensors.Contents contents) {
    List<String> names = new ArrayList<>(contents.others().keySet());
    contents.tensors().forEach(tensor -> names.add(tensor.name()));
    return names;
  }

  private static InvalidInputException notThere(
      Path index, String tensor, String shard, String other) {
    return new InvalidInputException(
        index
            + ": expected the tensor '"
            + JsonFiles.cut(tensor)
            + "' in "
            + shard
            + ", found it "
            + (other == null ? "nowhere" : "in " + other)
            + "; fetch index and files again");
  }

  /** The file of each tensor, which lies in the index's own folder. */
  private static Map<String, String> fileOfTensor(Path index) {
    if (!(JsonFiles.read(index).get("weight_map") instanceof ObjectNode map) || map.isEmpty()) {
      throw new InvalidInputException(
          index + ": expected 'weight_map' with a file for each tensor, found none");
    }
    Map<String, String> fileOfTensor = new TreeMap<>();
    for (Map.Entry<String, JsonNode> entry : map.properties()) {
      String shard = entry.getValue().textValue();
      if (shard == null || !isPlain(shard)) {
        throw new InvalidInputException(
            index
                + ": the file of the tensor '"
                + JsonFiles.cut(entry.getKey())
                + "' must be one in the same folder, found "
                + JsonFiles.shown(entry.getValue()));
      }
      fileOfTensor.put(entry.getKey(), shard);
    }
    return fileOfTensor;
  }

  /** Whether a name can only be that of an entry of a folder. */
  private static boolean isPlain(String name) {
    return !name.isBlank()
        && !name.equals(".")
        && !name.equals("..")
        && name.chars().noneMatch(c -> c == '/' || c == '\\' || c == ':' || c < ' ');
  }
}
