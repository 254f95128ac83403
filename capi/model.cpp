// What a checkpoint is, and models.
#include "capi/callbacks.hpp"
#include "capi/objects.hpp"

#include <algorithm>

using namespace lmm;
using namespace lmm::capi;

lmm_info::lmm_info(const lmm_allocator& allocator, const ModelInfo& from)
    : Handle(allocator),
      folder(from.folder, &memory),
      family(from.family, &memory),
      architecture(from.architecture, &memory),
      towers(&memory),
      weight_files(&memory) {
  for (const std::string& tower : from.towers) towers.emplace_back(tower);
  for (const std::string& file : from.weight_files) weight_files.emplace_back(file);
  rest.parameters = from.parameters;
  rest.weight_bytes = from.weight_bytes;
  rest.context_length = from.context_length;
  rest.vocab_size = from.vocab_size;
  rest.stored_dtype = from.stored_dtype;
  rest.compute_dtype = from.compute_dtype;
  rest.sees_images = from.sees_images;
  rest.sees_videos = from.sees_videos;
  rest.hears = from.hears;
  rest.transcribes = from.transcribes;
  rest.has_chat_template = from.has_chat_template;
}

lmm_code lmm_info_read(const lmm_allocator* allocator, const char* folder, size_t folder_length, lmm_info** info,
                       lmm_error** error) {
  return call(usable_allocator(allocator), error, [&] {
    require(info, "info");
    const lmm_allocator& memory = allocator_or_default(allocator);
    *info = make<lmm_info>(memory, Model::info(path_argument(folder, folder_length, "folder")));
  });
}

namespace {

const char* give_text(const lmm_info* info, std::pmr::string lmm_info::*field, size_t* length) {
  return alive(info) ? give(info->*field, length) : give_nothing(nullptr, length);
}

const char* give_entry(const lmm_info* info, std::pmr::vector<std::pmr::string> lmm_info::*list, size_t index,
                       size_t* length) {
  if (!alive(info) || index >= (info->*list).size()) return give_nothing(nullptr, length);
  return give((info->*list)[index], length);
}

/// What stands in for an object that is not there.
const ModelInfo kNothing;

const ModelInfo& numbers(const lmm_info* info) { return alive(info) ? info->rest : kNothing; }

}  // namespace

const char* lmm_info_folder(const lmm_info* info, size_t* length) { return give_text(info, &lmm_info::folder, length); }

const char* lmm_info_family(const lmm_info* info, size_t* length) { return give_text(info, &lmm_info::family, length); }

const char* lmm_info_architecture(const lmm_info* info, size_t* length) {
  return give_text(info, &lmm_info::architecture, length);
}

uint64_t lmm_info_parameters(const lmm_info* info) { return numbers(info).parameters; }
uint64_t lmm_info_weight_bytes(const lmm_info* info) { return numbers(info).weight_bytes; }
int64_t lmm_info_context_length(const lmm_info* info) { return numbers(info).context_length; }
int64_t lmm_info_vocab_size(const lmm_info* info) { return numbers(info).vocab_size; }
lmm_dtype lmm_info_stored_dtype(const lmm_info* info) { return static_cast<lmm_dtype>(numbers(info).stored_dtype); }
lmm_dtype lmm_info_compute_dtype(const lmm_info* info) { return static_cast<lmm_dtype>(numbers(info).compute_dtype); }
lmm_bool lmm_info_sees_images(const lmm_info* info) { return numbers(info).sees_images ? LMM_TRUE : LMM_FALSE; }
lmm_bool lmm_info_sees_videos(const lmm_info* info) { return numbers(info).sees_videos ? LMM_TRUE : LMM_FALSE; }
lmm_bool lmm_info_hears(const lmm_info* info) { return numbers(info).hears ? LMM_TRUE : LMM_FALSE; }
lmm_bool lmm_info_transcribes(const lmm_info* info) { return numbers(info).transcribes ? LMM_TRUE : LMM_FALSE; }

lmm_bool lmm_info_has_chat_template(const lmm_info* info) {
  return numbers(info).has_chat_template ? LMM_TRUE : LMM_FALSE;
}

size_t lmm_info_tower_count(const lmm_info* info) { return alive(info) ? info->towers.size() : 0; }

const char* lmm_info_tower(const lmm_info* info, size_t index, size_t* length) {
  return give_entry(info, &lmm_info::towers, index, length);
}

size_t lmm_info_weight_file_count(const lmm_info* info) { return alive(info) ? info->weight_files.size() : 0; }

const char* lmm_info_weight_file(const lmm_info* info, size_t index, size_t* length) {
  return give_entry(info, &lmm_info::weight_files, index, length);
}

void lmm_info_free(lmm_info* info) { destroy(info); }

lmm_code lmm_model_load(const lmm_allocator* allocator, const char* folder, size_t folder_length,
                        const lmm_load_options* options, lmm_model** model, lmm_error** error) {
  return call(usable_allocator(allocator), error, [&] {
    require(model, "model");
    const lmm_allocator& memory = allocator_or_default(allocator);
    const std::filesystem::path path = path_argument(folder, folder_length, "folder");
    const LoadOptions given = options != nullptr ? checked(options, "options").options : LoadOptions{};
    *model = make<lmm_model>(memory, Model::load(path, given));
  });
}

const lmm_info* lmm_model_info(const lmm_model* model) { return alive(model) ? &model->info : nullptr; }

lmm_code lmm_model_sample_frames(const lmm_model* model, int64_t total, double fps, double frames_per_second,
                                 int64_t* indices, size_t capacity, size_t* count, lmm_error** error) {
  return call_on(model, "model", error, [&](const lmm_model& self) {
    if (capacity != 0) require(indices, "indices");
    require(count, "count");
    const std::vector<std::int64_t> found = self.model.sample_frames(total, fps, frames_per_second);
    std::copy_n(found.begin(), std::min(capacity, found.size()), indices);
    *count = found.size();
  });
}

void lmm_model_free(lmm_model* model) { destroy(model); }
