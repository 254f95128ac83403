#include "lib/session/engine.hpp"

#include "lib/core/error.hpp"
#include "lib/models/registry.hpp"
#include "lib/nn/kernels/cpu.hpp"
#include "lib/nn/kernels/thread_pool.hpp"
#include "lib/nn/runtime.hpp"
#include "lib/session/conversation.hpp"
#include "lib/session/prompt.hpp"
#include "lib/weights/packed_cache.hpp"

#include <atomic>
#include <chrono>
#include <exception>
#include <future>
#include <map>

namespace lmm::session {
namespace {

constexpr int kMaxThreads = 1024;

void check_folder(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (!std::filesystem::exists(folder, ignored)) {
    fail(ErrorCode::not_found, "{}: no such folder, expected the path of a downloaded Hugging Face checkpoint (lmm downloads none: hf download OWNER/NAME --local-dir FOLDER)",
         folder.string());
  }
  if (!std::filesystem::is_directory(folder, ignored)) {
    fail(ErrorCode::bad_file, "{}: is a file, expected a Hugging Face checkpoint folder", folder.string());
  }
}

models::Checkpoint open_checkpoint(const std::filesystem::path& folder) {
  check_folder(folder);
  std::error_code ignored;
  const std::filesystem::path config = folder / "config.json";
  if (!std::filesystem::exists(config, ignored)) {
    fail(ErrorCode::not_found, "{}: no config.json in it, so this is no Hugging Face checkpoint folder", folder.string());
  }
  models::Checkpoint checkpoint;
  checkpoint.folder = folder;
  checkpoint.config = read_json_file(config);
  if (const Json* quantization = checkpoint.fields().find("quantization_config")) {
    const bool named = quantization->is_object() && quantization->contains("quant_method");
    fail(ErrorCode::unsupported, "{}: quantization_config ({}), lmm loads unquantised checkpoints (fp32, fp16, bf16)",
         config.string(), named ? (*quantization)["quant_method"].dump() : "of unknown method");
  }
  // An unknown architecture is said before missing weights are.
  const models::FamilyEntry& entry = models::family_of(checkpoint);
  checkpoint.weights = weights::Weights::open(folder, entry.weights);
  return checkpoint;
}

DType public_type(weights::ScalarType type) {
  switch (type) {
    case weights::ScalarType::bf16: return DType::bf16;
    case weights::ScalarType::f16: return DType::fp16;
    default: return DType::fp32;
  }
}

DType public_type(at::ScalarType type) {
  switch (type) {
    case at::kBFloat16: return DType::bf16;
    case at::kHalf: return DType::fp16;
    default: return DType::fp32;
  }
}

/// The type that most weight bytes are stored in.
DType stored_type(const weights::Weights& weights) {
  std::map<DType, std::uint64_t> bytes;
  for (const weights::TensorView& view : weights.tensors()) bytes[public_type(view.dtype)] += view.bytes;
  DType most = DType::fp32;
  for (const auto& [type, count] : bytes) {
    if (count > bytes[most]) most = type;
  }
  return most;
}

ModelInfo model_info(const models::Checkpoint& checkpoint, const models::FamilyInfo& family, bool has_chat_template) {
  ModelInfo info;
  info.folder = checkpoint.folder.string();
  info.family = checkpoint.fields().string("model_type");
  if (const Json* list = checkpoint.fields().find("architectures"); list != nullptr && list->is_array() && !list->empty()) {
    if (list->front().is_string()) info.architecture = list->front().get<std::string>();
  }
  info.parameters = checkpoint.weights->parameters();
  info.weight_bytes = checkpoint.weights->total_bytes();
  info.towers = family.towers;
  info.context_length = family.context_length;
  info.vocab_size = family.vocab_size;
  info.stored_dtype = stored_type(*checkpoint.weights);
  info.sees_images = family.takes(media::Kind::picture);
  info.sees_videos = family.takes(media::Kind::video);
  info.hears = family.takes(media::Kind::sound) || family.transcribes;
  info.transcribes = family.transcribes;
  info.has_chat_template = has_chat_template;
  for (const std::filesystem::path& file : checkpoint.weights->files()) info.weight_files.push_back(file.string());
  return info;
}

void check_memory(const models::Checkpoint& checkpoint, at::ScalarType type, std::uint64_t limit) {
  if (limit == 0) return;
  std::uint64_t needed = 0;
  for (const weights::TensorView& view : checkpoint.weights->tensors()) {
    needed += view.bytes / weights::scalar_size(view.dtype) * c10::elementSize(type);
  }
  if (needed > limit) {
    fail(ErrorCode::out_of_memory, "{}: the weights take {} bytes as {}, max_memory allows {}", checkpoint.folder.string(),
         needed, c10::toString(type), limit);
  }
}

/// Lets go of the pages of the files: what was packed is not read again, the rest comes back when it is.
void release_mapped(const weights::Weights& weights) {
  for (const weights::TensorView& view : weights.tensors()) view.not_needed();
}

bool packs(const LoadOptions& options) { return options.weights != WeightType::full || options.tower_weights != WeightType::full; }

std::shared_ptr<weights::PackedCache> open_cache(const std::filesystem::path& folder, const LoadOptions& options, at::ScalarType dtype) {
  if (!packs(options) || options.cache_folder.empty()) return nullptr;
  std::string how = fmt::format("{}-{}", weight_type_name(options.weights), dtype_name(public_type(dtype)));
  if (options.tower_weights != WeightType::full) how += fmt::format("-tower-{}", weight_type_name(options.tower_weights));
  return std::make_shared<weights::PackedCache>(weights::PackedCache::file_in(options.cache_folder, folder, how));
}

/// Errors of the program around, before any file is opened.
void check_host(const LoadOptions& options) {
  if (options.threads < 0 || options.threads > kMaxThreads) {
    fail(ErrorCode::invalid_argument, "threads is {}, expected 0 (all that the process may use) to {}", options.threads,
         kMaxThreads);
  }
  const std::string_view limit = nn::kernels::isa_limit();
  if (!limit.empty() && !nn::kernels::find_isa(limit)) {
    fail(ErrorCode::invalid_argument, "environment variable LMM_MAX_ISA is \"{}\", expected portable, avx2, avx512 or avx512_bf16", limit);
  }
}

/// A cache that can't be written costs the next load its time, and this one nothing.
void write_cache(weights::PackedCache& cache, const Log& log) {
  try {
    cache.write();
    log.line(LogLevel::info, "{}: {} packed matrices mapped, {} made", cache.path().string(), cache.found(), cache.made());
  } catch (const Error& error) {
    log.line(LogLevel::warning, "packed weights are not kept: {}", error.what());
  }
}

/// The notation whose tokens the vocabulary has.
std::optional<answer::Format> grounding_format(const tokenizer::Tokenizer& tokenizer) {
  const auto has = [&](std::string_view token) { return tokenizer.id_of(token).has_value(); };
  if (has("<box>") && has("</box>")) return answer::Format::pocket;
  if (has("<loc_0>") && has("<loc_500>")) return answer::Format::doctags;
  return std::nullopt;
}

/// Tells the caller of progress until the task is done.
void report_until_done(const std::future<void>& done, Run& run, const OnProgress& on_progress) {
  std::int64_t reported = -1;
  bool last = false;
  while (!last) {
    last = done.wait_for(std::chrono::milliseconds(20)) == std::future_status::ready;
    const Progress now = run.progress();
    if (now.done == reported || run.cancelled()) continue;
    reported = now.done;
    if (!on_progress(now)) run.cancel();
  }
}

}  // namespace

std::shared_ptr<const TextTools> TextTools::load(const std::filesystem::path& folder) {
  check_folder(folder);
  auto tools = std::make_shared<TextTools>();
  tools->folder = folder.string();
  tools->tokenizer = tokenizer::Tokenizer::load(folder);
  tools->chat_template = chat_template::ChatTemplate::load(folder);
  return tools;
}

ModelInfo Engine::describe(const std::filesystem::path& folder) {
  const models::Checkpoint checkpoint = open_checkpoint(folder);
  const models::FamilyInfo family = models::family_of(checkpoint).describe(checkpoint);
  return model_info(checkpoint, family, chat_template::ChatTemplate::load(folder).has_value());
}

std::shared_ptr<Engine> Engine::load(const std::filesystem::path& folder, const LoadOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  check_host(options);
  const models::Checkpoint checkpoint = open_checkpoint(folder);
  const models::FamilyEntry& entry = models::family_of(checkpoint);
  auto engine = std::make_shared<Engine>();
  engine->log.send_to(options.on_log);
  const at::Device device = nn::find_device(options.device);
  const int threads = nn::kernels::bounded_threads(options.threads);
  nn::Placement placement{device, nn::compute_type(options.dtype, stored_type(*checkpoint.weights), device)};
  check_memory(checkpoint, placement.dtype, options.max_memory);
  if (packs(options) && !device.is_cpu()) {
    fail(ErrorCode::unsupported, "weights {} and tower_weights {} are computed on the CPU, but device is \"{}\"",
         weight_type_name(options.weights), weight_type_name(options.tower_weights), options.device);
  }
  placement.weights = options.weights;
  placement.tower_weights = options.tower_weights;
  placement.cache = open_cache(folder, options, placement.dtype);

  engine->text = TextTools::load(folder);
  engine->generation = generate::GenerationConfig::load(folder);
  if (device.is_cpu()) placement.pool = std::make_shared<nn::kernels::ThreadPool>(threads);
  engine->worker = std::make_unique<Worker>([threads] { return nn::enter_inference(threads); });

  Run run;
  run.begin("load", static_cast<std::int64_t>(std::max<std::uint64_t>(checkpoint.weights->total_bytes(), 1)));
  auto loading = run_on_worker(*engine, [&] { engine->family = entry.load(checkpoint, placement, run); });
  try {
    if (options.on_progress) report_until_done(loading, run, options.on_progress);
  } catch (...) {  // the host's own; the worker still uses what stands in this frame
    run.cancel();
    loading.wait();
    throw;
  }
  loading.get();
  run.checkpoint();  // cancelled at the very end is cancelled
  if (placement.cache != nullptr) write_cache(*placement.cache, engine->log);
  if (packs(options)) release_mapped(*checkpoint.weights);
  engine->info = model_info(checkpoint, engine->family->info(), engine->text->chat_template.has_value());
  engine->info.compute_dtype = public_type(placement.dtype);
  engine->grounding = engine->family->info().grounding;
  if (!engine->grounding) engine->grounding = grounding_format(*engine->text->tokenizer);
  engine->probe_template();
  engine->load_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  engine->log_load(*checkpoint.weights, options, threads);
  return engine;
}

void Engine::log_load(const weights::Weights& weights, const LoadOptions& options, int threads) const {
  const char* kernels = options.device == "cpu" ? nn::kernels::isa_name(nn::kernels::best_isa()) : "torch";
  std::string packed = options.weights == WeightType::full ? "" : fmt::format(", matrices packed as {}", weight_type_name(options.weights));
  if (options.tower_weights != WeightType::full) packed += fmt::format(", those of towers as {}", weight_type_name(options.tower_weights));
  log.line(LogLevel::info, "{}: {} of {} parameters, {} weights computed as {}{} on {}, {} threads, {} kernels, loaded in {:.3f} s",
           info.folder, info.family, info.parameters, dtype_name(info.stored_dtype), dtype_name(info.compute_dtype), packed,
           options.device, threads, kernels, load_seconds);
  if (options.threads > threads) {
    log.line(LogLevel::warning, "{}: {} threads were asked for, {} is what this process may use", info.folder, options.threads, threads);
  }
  const std::vector<std::string_view> unused = weights.unused();
  if (!unused.empty()) {
    log.line(LogLevel::info, "{}: {} tensors were left aside, {} the first of them", info.folder, unused.size(),
             unused.front());
  }
  if (!info.has_chat_template && !info.transcribes) {
    log.line(LogLevel::info, "{}: no chat template, only raw prompts can be asked", info.folder);
  }
  if (text->tokenizer->vocab_size() > static_cast<std::size_t>(info.vocab_size)) {
    log.line(LogLevel::warning, "{}: the tokenizer has {} tokens, the model's vocabulary {} entries", info.folder,
             text->tokenizer->vocab_size(), info.vocab_size);
  }
}

bool Engine::multimodal() const noexcept {
  const auto& marks = family->info().placeholders;
  return std::any_of(marks.begin(), marks.end(), [](const models::Placeholder& mark) { return mark.id >= 0; });
}

/// A template takes contents as a list of parts when a part's text comes out as text.
void Engine::probe_template() {
  if (!multimodal()) return;
  content_lists_ = true;
  if (!text->chat_template) return;
  constexpr std::string_view kProbe = "lmm-probe";
  const bool sees = family->info().takes(media::Kind::picture);
  const Json variables = template_variables(
      *text, fmt::format(R"([{{"role": "user", "content": [{{"type": "{}"}}, {{"type": "text", "text": "{}"}}]}}])",
                         sees ? "image" : "audio", kProbe));
  try {
    const std::string out = text->chat_template->render(variables).text;
    const models::Placeholder& mark = family->info().placeholder(sees ? media::Kind::picture : media::Kind::sound);
    const bool placed = out.find(kProbe) != std::string::npos && out.find("'type'") == std::string::npos &&
                        out.find(mark.token) != std::string::npos;
    content_lists_ = placed;
  } catch (const Error&) {
    content_lists_ = false;
  }
}

}  // namespace lmm::session
