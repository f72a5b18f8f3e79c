/// The name among `candidates` that `text` was probably meant to be.
///
/// - Returns: the one with the fewest single-letter mistakes, the first among equals; `nil` where
///   even that differs in more than a third of its letters.
package func nearestName(to text: String, among candidates: some Sequence<String>) -> String? {
  // A longer text is no misspelt key, and the distance takes time by its square.
  guard text.utf8.count <= 64 else { return nil }
  let letters = Array(text.lowercased())
  var best: (name: String, distance: Int)?
  for candidate in candidates {
    let distance = editDistance(letters, Array(candidate.lowercased()))
    guard distance <= max(1, candidate.count / 3), distance < best?.distance ?? Int.max else {
      continue
    }
    best = (candidate, distance)
  }
  return best?.name
}

/// Letters to insert, delete, replace or swap with their neighbour, to make one word of the other
/// (Damerau–Levenshtein, in its restricted form of optimal string alignment).
package func editDistance(_ left: [Character], _ right: [Character]) -> Int {
  if left.isEmpty || right.isEmpty { return max(left.count, right.count) }
  var beforeLast: [Int] = []
  var last = Array(0...right.count)
  for row in 1...left.count {
    var current = [row]
    for column in 1...right.count {
      let replaced = last[column - 1] + (left[row - 1] == right[column - 1] ? 0 : 1)
      var distance = min(replaced, last[column] + 1, current[column - 1] + 1)
      if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1]
      {
        distance = min(distance, beforeLast[column - 2] + 1)
      }
      current.append(distance)
    }
    beforeLast = last
    last = current
  }
  return last[right.count]
}
