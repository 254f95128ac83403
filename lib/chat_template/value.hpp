#pragma once

#include "lib/chat_template/text.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace lmm::chat_template {

class Evaluator;
class Value;
class Object;
struct List;
struct Dict;
using Values = std::vector<Value>;

/// jinja2's Undefined: prints as nothing; using it otherwise fails with the message.
struct Undefined {
  std::string message;
};

/// Python's None.
struct None {};

/// Absent: an argument not given, a variable not set. Never seen by a template.
struct Missing {};

/// A value of a running template, with Python's meaning. Strings, lists, tuples and dicts never change once made.
class Value {
 public:
  Value() = default;
  Value(None) : data_(None{}) {}
  Value(bool value) : data_(value) {}
  Value(std::int64_t value) : data_(value) {}
  Value(double value) : data_(value) {}
  Value(Text text) : data_(std::make_shared<const Text>(std::move(text))) {}
  Value(std::shared_ptr<const List> list) : data_(std::move(list)) {}
  Value(std::shared_ptr<const Dict> dict) : data_(std::move(dict)) {}
  Value(std::shared_ptr<Object> object) : data_(std::move(object)) {}
  Value(const void*) = delete;

  static Value text(std::string_view bytes) { return Value(Text(bytes)); }
  static Value undefined(std::string message) {
    Value value;
    value.data_ = std::make_shared<const Undefined>(Undefined{std::move(message)});
    return value;
  }

  bool is_missing() const noexcept { return std::holds_alternative<Missing>(data_); }
  bool is_none() const noexcept { return std::holds_alternative<None>(data_); }
  bool is_bool() const noexcept { return std::holds_alternative<bool>(data_); }
  bool is_int() const noexcept { return std::holds_alternative<std::int64_t>(data_); }    ///< bool aside
  bool is_float() const noexcept { return std::holds_alternative<double>(data_); }
  bool is_undefined() const noexcept { return std::holds_alternative<std::shared_ptr<const Undefined>>(data_); }

  const Undefined& undefined() const { return **std::get_if<std::shared_ptr<const Undefined>>(&data_); }
  const Text* string() const noexcept { return pointer<const Text>(); }
  const List* sequence() const noexcept { return pointer<const List>(); }     ///< list or tuple
  const Dict* dict() const noexcept { return pointer<const Dict>(); }
  Object* object() const noexcept { return pointer<Object>(); }
  template <typename T>
  T* as() const noexcept {
    return dynamic_cast<T*>(object());
  }
  std::shared_ptr<Object> shared_object() const { return *std::get_if<std::shared_ptr<Object>>(&data_); }

  /// The number of an int or a bool.
  std::optional<std::int64_t> integer() const noexcept;
  /// The number of an int, a bool or a float.
  std::optional<double> number() const noexcept;

  std::string type_name() const;        ///< Python's, e.g. "str"
  bool same(const Value& other) const;  ///< Python's `is`
  int depth() const noexcept;           ///< levels of nesting: 0 for what holds no values

 private:
  template <typename T>
  T* pointer() const noexcept {
    const auto* found = std::get_if<std::shared_ptr<T>>(&data_);
    return found == nullptr ? nullptr : found->get();
  }

  std::variant<Missing, None, bool, std::int64_t, double, std::shared_ptr<const Undefined>, std::shared_ptr<const Text>,
               std::shared_ptr<const List>, std::shared_ptr<const Dict>, std::shared_ptr<Object>>
      data_;
};

/// A list or a tuple.
struct List {
  Values items;
  bool tuple = false;
  bool group = false;  ///< what groupby yields: a tuple with the attributes grouper and list
  int depth = 1;
};

/// A dict: keys in the order in which they were first set.
struct Dict {
  std::vector<std::pair<Value, Value>> items;
  int depth = 1;

  const Value* find(const Value& key) const;    ///< Failure where the key is not hashable
  const Value* find(std::string_view key) const;
  void set(const Value& key, Value value);      ///< while being made; Failure where the key is not hashable

 private:
  std::unordered_map<std::string, std::size_t> index_;   ///< by hash_key
};

/// Equal for equal values and different for others, for every hashable value. Failure: "unhashable type".
std::string hash_key(const Value& value);

class Iterator {
 public:
  virtual ~Iterator() = default;
  virtual bool next(Evaluator& evaluator, Value& out) = 0;  ///< false at the end
};
using IteratorPtr = std::shared_ptr<Iterator>;

/// Arguments of a call.
struct Arguments {
  Values positional;
  std::vector<std::pair<std::string, Value>> named;

  Value take(std::string_view name);  ///< removes and gives a named argument; missing where there is none
};

/// Everything that is no plain data: functions, macros, iterators, namespaces, loops.
class Object {
 public:
  virtual ~Object() = default;
  virtual std::string type_name() const = 0;
  virtual Value attribute(Evaluator&, std::string_view) { return {}; }        ///< missing where there is none
  virtual Value item(Evaluator&, const Value&) { return {}; }                 ///< missing where there is none
  virtual bool callable() const { return false; }
  virtual Value call(Evaluator&, Arguments&) { raise("'{}' object is not callable", type_name()); }
  virtual IteratorPtr iterate(Evaluator&) { return nullptr; }                 ///< null where it is not iterable
  virtual bool reversible() const { return false; }
  virtual std::optional<std::int64_t> length(Evaluator&) { return std::nullopt; }
  virtual Text repr(Evaluator&) { raise("cannot print a '{}' object", type_name()); }
  virtual int depth() const { return 0; }
};

bool truth(Evaluator& evaluator, const Value& value);
bool equal(Evaluator& evaluator, const Value& left, const Value& right);
/// left < right. Failure where Python cannot order the two.
bool less(Evaluator& evaluator, const Value& left, const Value& right);
bool contains(Evaluator& evaluator, const Value& container, const Value& item);  ///< item in container
std::optional<std::int64_t> length(Evaluator& evaluator, const Value& value);
Text to_text(Evaluator& evaluator, const Value& value);   ///< Python's str()
Text repr(Evaluator& evaluator, const Value& value);
IteratorPtr iterate(Evaluator& evaluator, const Value& value);  ///< Failure where it is not iterable
bool iterable(const Value& value, Evaluator& evaluator);
Values to_values(Evaluator& evaluator, const Value& value);     ///< list(value)
std::string float_repr(double value);

}  // namespace lmm::chat_template
