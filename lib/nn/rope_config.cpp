#include "lib/nn/rope_config.hpp"

#include "lib/core/error.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lmm::nn {
namespace {

double positive(const Fields& fields, std::string_view name) {
  const double value = fields.number(name);
  if (!(value > 0.0) || !std::isfinite(value)) fields.wrong(name, "a number above 0");
  return value;
}

double positive(const Fields& fields, std::string_view name, double otherwise) {
  return fields.has(name) ? positive(fields, name) : otherwise;
}

double mscale(double scale, double factor) { return scale <= 1.0 ? 1.0 : 0.1 * factor * std::log(scale) + 1.0; }

void parse_yarn(RopeConfig& rope, const Fields& fields, std::int64_t context_length) {
  rope.factor = fields.has("factor")
                    ? positive(fields, "factor")
                    : static_cast<double>(context_length) / static_cast<double>(rope.original_context);
  const double all = fields.number("mscale_all_dim", 0.0);
  const double own = fields.number("mscale", 0.0);
  const double from_scale =
      own != 0.0 && all != 0.0 ? mscale(rope.factor, own) / mscale(rope.factor, all) : mscale(rope.factor, 1.0);
  rope.attention_factor = positive(fields, "attention_factor", from_scale);
  const double fast = fields.number("beta_fast", 0.0);  // 0 means the default, as in the reference
  const double slow = fields.number("beta_slow", 0.0);
  if (fast != 0.0) rope.beta_fast = fast;
  if (slow != 0.0) rope.beta_slow = slow;
  rope.truncate = fields.boolean("truncate", true);
}

void yarn_frequencies(const RopeConfig& rope, std::vector<float>& inverse) {
  const double dim = static_cast<double>(rope.head_dim);
  const auto correction = [&](double rotations) {
    return dim * std::log(static_cast<double>(rope.original_context) / (rotations * 2.0 * std::numbers::pi)) /
           (2.0 * std::log(rope.theta));
  };
  double low = correction(rope.beta_fast);
  double high = correction(rope.beta_slow);
  if (rope.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, dim - 1.0);
  if (low == high) high += 0.001;
  for (std::size_t i = 0; i < inverse.size(); ++i) {
    const float ramp = std::clamp(static_cast<float>((static_cast<double>(i) - low) / (high - low)), 0.0f, 1.0f);
    const float extrapolated = inverse[i];
    const float interpolated = 1.0f / (static_cast<float>(rope.factor) * (1.0f / inverse[i]));
    inverse[i] = interpolated * ramp + extrapolated * (1.0f - ramp);
  }
}

void llama3_frequencies(const RopeConfig& rope, std::vector<float>& inverse) {
  const auto context = static_cast<float>(rope.original_context);
  const float low = static_cast<float>(rope.low_freq_factor);
  const float high = static_cast<float>(rope.high_freq_factor);
  const float factor = static_cast<float>(rope.factor);
  for (float& frequency : inverse) {
    const float wavelength = 2.0f * std::numbers::pi_v<float> / frequency;
    if (wavelength < context / high) continue;
    if (wavelength > context / low) {
      frequency /= factor;
      continue;
    }
    const float smooth = (context / wavelength - low) / (high - low);
    frequency = (1.0f - smooth) * frequency / factor + smooth * frequency;
  }
}

void refuse_partial(const Fields& fields) {
  const double factor = fields.number("partial_rotary_factor", 1.0);
  if (factor != 1.0) {
    fail(ErrorCode::unsupported, "{}: partial_rotary_factor is {}, only 1 is supported", fields.where(), factor);
  }
}

/// The axis of each of `count` frequencies, as the reference's recomposition_frequencies.
std::vector<std::int64_t> frequency_axes(RopeConfig::Sections kind, const std::vector<std::int64_t>& section,
                                         std::int64_t count, const std::string& where) {
  const auto wrong = [&](std::string_view expected) {
    fail(ErrorCode::bad_file, "{}: mrope_section is [{}], expected {}", where, fmt::join(section, ", "), expected);
  };
  if (section.size() < 3) wrong("three numbers or more");
  std::int64_t sum = 0;
  for (const std::int64_t part : section) {
    if (part < 0 || part > count) wrong(fmt::format("numbers from 0 to {}", count));
    sum += part;
  }
  std::vector<std::int64_t> axes;
  if (kind == RopeConfig::Sections::contiguous) {
    if (sum != count) wrong(fmt::format("numbers that add up to half of head_dim, {}", count));
    for (std::size_t i = 0; i < section.size(); ++i) {
      axes.insert(axes.end(), static_cast<std::size_t>(section[i]), static_cast<std::int64_t>(i % 3));
    }
    return axes;
  }
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t axis = i % 3;
    axes.push_back(axis > 0 && i < 3 * section[static_cast<std::size_t>(axis)] ? axis : 0);
  }
  return axes;
}

/// Which spelling counts: the older one where both are filled in, as in the reference (convert_rope_params_to_dict).
const char* spelling_of(const Fields& text_config) {
  for (const char* name : {"rope_scaling", "rope_parameters"}) {
    const Json* value = text_config.find(name);
    if (value != nullptr && !value->empty()) return name;
  }
  return nullptr;
}

void parse_sections(RopeConfig& rope, const Fields& fields, const RopeConfig::Defaults& defaults) {
  if (defaults.sections == RopeConfig::Sections::none) {
    if (!fields.has("mrope_section")) return;
    fail(ErrorCode::unsupported, "{}: mrope_section, but this model's positions have one axis", fields.where());
  }
  const bool interleaved = defaults.sections == RopeConfig::Sections::interleaved;
  if (fields.boolean("mrope_interleaved", interleaved) != interleaved) {
    fail(ErrorCode::unsupported, "{}: mrope_interleaved is {}, this model's family knows only {}", fields.where(),
         !interleaved, interleaved);
  }
  rope.axes = frequency_axes(defaults.sections, fields.integers("mrope_section", defaults.section), rope.head_dim / 2,
                             fields.where());
}

/// Phi-3's place for it, beside the parameters of RoPE, comes first where there is one (standardize_rope_params).
void outer_original_context(RopeConfig& rope, const Fields& text_config) {
  rope.original_context = text_config.integer_in("original_max_position_embeddings", 1, INT64_C(1) << 31, rope.original_context);
}

}  // namespace

RopeConfig RopeConfig::parse(const Fields& text_config, std::int64_t head_dim, std::int64_t context_length,
                             const Defaults& defaults) {
  if (head_dim % 2 != 0) text_config.wrong(text_config.has("head_dim") ? "head_dim" : "hidden_size", "an even head_dim");
  RopeConfig rope;
  rope.head_dim = head_dim;
  rope.theta = positive(text_config, "rope_theta", defaults.theta);
  refuse_partial(text_config);
  const char* spelling = spelling_of(text_config);
  static const Json kNothing = Json::object();
  const Fields fields = spelling == nullptr ? Fields(kNothing, text_config.where()) : text_config.object(spelling);
  rope.theta = positive(fields, "rope_theta", rope.theta);
  refuse_partial(fields);
  parse_sections(rope, fields, defaults);
  std::string type = fields.string("rope_type", fields.string("type", "default"));
  // Qwen2-VL's files call plain frequencies with sections a type of their own.
  if (type == "mrope" && defaults.sections != Sections::none) type = "default";
  rope.original_context = fields.integer_in("original_max_position_embeddings", 1, INT64_C(1) << 31, context_length);
  if (type == "default" || type == "dynamic") {
    // "dynamic" (NTK) changes frequencies only beyond max_position_embeddings, where lmm's context ends.
    return rope;
  }
  if (type == "linear") {
    rope.type = Type::linear;
    rope.factor = positive(fields, "factor");
  } else if (type == "llama3") {
    rope.type = Type::llama3;
    outer_original_context(rope, text_config);
    rope.factor = positive(fields, "factor");
    rope.low_freq_factor = positive(fields, "low_freq_factor");
    rope.high_freq_factor = positive(fields, "high_freq_factor");
    if (rope.high_freq_factor == rope.low_freq_factor) fields.wrong("high_freq_factor", "another value than low_freq_factor");
  } else if (type == "yarn") {
    rope.type = Type::yarn;
    outer_original_context(rope, text_config);
    parse_yarn(rope, fields, context_length);
  } else {
    fail(ErrorCode::unsupported, "{}: rope_type is \"{}\", known are default, linear, dynamic, llama3, yarn",
         fields.where(), type);
  }
  return rope;
}

std::vector<float> RopeConfig::inverse_frequencies() const {
  std::vector<float> inverse(static_cast<std::size_t>(head_dim / 2));
  for (std::size_t i = 0; i < inverse.size(); ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(head_dim);
    inverse[i] = 1.0f / std::pow(static_cast<float>(theta), exponent);
  }
  switch (type) {
    case Type::standard: break;
    case Type::linear:
      for (float& frequency : inverse) frequency /= static_cast<float>(factor);
      break;
    case Type::llama3: llama3_frequencies(*this, inverse); break;
    case Type::yarn: yarn_frequencies(*this, inverse); break;
  }
  return inverse;
}

}  // namespace lmm::nn
