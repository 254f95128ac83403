#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace lmm {

/// Key order is kept: chat templates print objects as they were given.
using Json = nlohmann::ordered_json;

/// For files with very many keys in one object that are looked up by name (vocabularies). Keys are sorted.
using SortedJson = nlohmann::json;

/// Parses text with a depth limit of 200, whatever the locale; of a key that stands twice in an object the last value counts.
/// Error bad_file with `where`, line and column.
Json parse_json(std::string_view text, std::string_view where);

/// Reads and parses a file. Errors as read_text_file and parse_json.
Json read_json_file(const std::filesystem::path& path);

/// The same with sorted keys. `visit` sees each key and value as it is parsed, with the depth that nlohmann's
/// parser_callback_t gives it, may throw, and drops a value that is complete by returning false.
SortedJson parse_sorted_json(std::string_view text, std::string_view where,
                             const SortedJson::parser_callback_t& visit = nullptr);
SortedJson read_sorted_json_file(const std::filesystem::path& path);

/// Typed access to the fields of one JSON object, with errors that name the file, the field, what was expected and
/// what stands there. A field that is absent or null gives the default. Holds a reference to the object.
class Fields {
 public:
  /// `where` is what errors begin with, e.g. "config.json: text_config".
  Fields(const Json& object, std::string where);

  bool has(std::string_view name) const;                 ///< present and not null
  const Json& at(std::string_view name) const;           ///< bad_file where absent or null
  const Json* find(std::string_view name) const;         ///< nullptr where absent or null
  Fields object(std::string_view name) const;            ///< nested object; bad_file where absent

  std::int64_t integer(std::string_view name) const;
  std::int64_t integer(std::string_view name, std::int64_t otherwise) const;
  std::int64_t integer_in(std::string_view name, std::int64_t low, std::int64_t high) const;  ///< bounds included
  std::int64_t integer_in(std::string_view name, std::int64_t low, std::int64_t high, std::int64_t otherwise) const;
  double number(std::string_view name) const;
  double number(std::string_view name, double otherwise) const;
  bool boolean(std::string_view name, bool otherwise) const;
  std::string string(std::string_view name) const;
  std::string string(std::string_view name, std::string_view otherwise) const;
  std::vector<double> numbers(std::string_view name, const std::vector<double>& otherwise) const;
  /// One integer or a list of them.
  std::vector<std::int64_t> integers(std::string_view name, const std::vector<std::int64_t>& otherwise) const;

  const Json& json() const noexcept { return *object_; }
  const std::string& where() const noexcept { return where_; }

  /// bad_file: "<where>: <name> is <what stands there>, expected <expected>".
  [[noreturn]] void wrong(std::string_view name, std::string_view expected) const;

 private:
  const Json* object_;
  std::string where_;
};

}  // namespace lmm
