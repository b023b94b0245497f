"""Settings: what the libraries would refuse late, or pass over in silence."""

from collections.abc import Sequence

from asking import Case
from settings_parts import case

LORA = "glue model=pretrained model.name=gpt peft=lora"
CASES: Sequence[Case] = (
    case(
        "The best checkpoints by no figure",
        "bert_mlm trainer.save_strategy=best",
        "'trainer.save_strategy': best by a figure that is named; say trainer.metric_for_best_model=loss be…",
    ),
    case(
        "The best checkpoints where nothing is evaluated",
        "bert_mlm trainer.save_strategy=best trainer.metric_for_best_model=loss trainer.eval_strategy=no",
        "'trainer.save_strategy': nothing is evaluated; say trainer.eval_strategy=epoch",
    ),
    case(
        "No checkpoint, as transformers does not read it",
        "bert_mlm trainer.save_total_limit=0",
        "'trainer.save_total_limit' must be at least 1, got 0; null keeps every checkpoint, and trainer.sav…",
    ),
    case(
        "Workers that stay, and none",
        "bert_mlm trainer.dataloader_persistent_workers=true",
        "'trainer.dataloader_persistent_workers' is for workers; say trainer.dataloader_num_workers=1",
    ),
    case(
        "A way to start workers, and none",
        "bert_mlm trainer.dataloader_multiprocessing_context=spawn",
        "'trainer.dataloader_multiprocessing_context' is for workers; say trainer.dataloader_num_workers=1",
    ),
    case(
        "A way to start workers that is not there",
        "bert_mlm trainer.dataloader_multiprocessing_context=thread",
        "'trainer.dataloader_multiprocessing_context' must be one of ['fork', 'spawn', 'forkserver'], got 't…",
    ),
    case(
        "A model in shards without a launcher",
        "bert_mlm trainer.fsdp=full_shard",
        "'trainer.fsdp' is not for setting; say launch=fsdp, whose launch.arguments tell how to shard",
    ),
    case(
        "A model in shards without a launcher, as transformers now writes it",
        "bert_mlm trainer.fsdp=true",
        "'trainer.fsdp' is not for setting; say launch=fsdp, whose launch.arguments tell how to shard",
    ),
    case(
        "A file of DeepSpeed's settings",
        "bert_mlm trainer.deepspeed=missing.json",
        "'trainer.deepspeed' is not for setting; say launch=deepspeed; a file of yours is named by --deepspe…",
    ),
    case(
        "Kernels of a package that has the loss too",
        "bert_mlm trainer.use_liger_kernel=true",
        "'trainer.use_liger_kernel' is not for setting; its loss would take the place of the objective's",
    ),
    case(
        "Settings of accelerate",
        "bert_mlm trainer.accelerator_config={typo:1}",
        "'trainer.accelerator_config' is not for setting; batches are cut and moved to the device without acc…",
    ),
    case(
        "An object of accelerate's",
        "bert_mlm trainer.parallelism_config=x",
        "'trainer.parallelism_config' is not for setting; no value of YAML is one; launch=fsdp shards a model",
    ),
    case(
        "Evaluation by predictions that nobody keeps",
        "bert_mlm trainer.eval_accumulation_steps=4",
        "'trainer.eval_accumulation_steps' is not for setting; evaluation is by the objective, which keeps su…",
    ),
    case(
        "Evaluation in other numbers than training",
        "bert_mlm trainer.bf16_full_eval=true",
        "'trainer.bf16_full_eval' is not for setting; evaluation computes as training does; set precision=…",
    ),
    case(
        "Batches out of their order",
        "bert_mlm trainer.dataloader_in_order=false",
        "'trainer.dataloader_in_order' is not for setting; the order is a function of seed and epoch",
    ),
    case(
        "A misspelt setting of activation checkpointing",
        "bert_mlm trainer.gradient_checkpointing_kwargs={use_reentrent:false}",
        "'trainer.gradient_checkpointing_kwargs.use_reentrent' is not of activation checkpointing; did you m…",
    ),
    case(
        "A word for every how many layers are checkpointed",
        "bert_mlm trainer.activation_checkpointing=true trainer.activation_checkpointing_kwargs={every_n_layers:all}",
        "'trainer.activation_checkpointing_kwargs.every_n_layers' must be int, got 'all'",
    ),
    case(
        "Activation checkpointing of a kind that debugs nothing",
        "bert_mlm trainer.activation_checkpointing=true trainer.activation_checkpointing_kwargs={debug:true}",
        "'trainer.activation_checkpointing_kwargs.debug' needs trainer.activation_checkpointing_kwargs.use_r…",
    ),
    case(
        "Settings of activation checkpointing alone",
        "bert_mlm trainer.activation_checkpointing_kwargs={use_reentrant:false}",
        "'trainer.activation_checkpointing_kwargs' does nothing alone; say trainer.activation_checkpointing=…",
    ),
    case(
        "A word for a schedule's settings",
        "bert_mlm trainer.lr_scheduler_kwargs=a",
        "'trainer.lr_scheduler_kwargs' holds several settings; set one of them, such as trainer.lr_scheduler…",
    ),
    case(
        "A misspelt setting of a schedule",
        "bert_mlm trainer.lr_scheduler_type=cosine trainer.lr_scheduler_kwargs.num_cycle=1",
        "'trainer.lr_scheduler_kwargs.num_cycle' is not a parameter of get_cosine_schedule_with_warmup; did y…",
    ),
    case(
        "A setting of another schedule",
        "bert_mlm trainer.lr_scheduler_kwargs.num_cycles=1",
        "'trainer.lr_scheduler_kwargs': linear takes none; leave them out, or name another trainer.lr_schedul…",
    ),
    case(
        "A schedule to a least rate, and none",
        "bert_mlm trainer.lr_scheduler_type=cosine_with_min_lr",
        "'trainer.lr_scheduler_type': cosine_with_min_lr takes trainer.lr_scheduler_kwargs.min_lr=… or train…",
    ),
    case(
        "A schedule to two least rates",
        "bert_mlm trainer.lr_scheduler_type=cosine_with_min_lr trainer.lr_scheduler_kwargs={min_lr:0,min_lr_rate:0}",
        "'trainer.lr_scheduler_type': cosine_with_min_lr takes trainer.lr_scheduler_kwargs.min_lr=… or train…",
    ),
    case(
        "A schedule with a decay of no length",
        "bert_mlm trainer.lr_scheduler_type=warmup_stable_decay",
        "'trainer.lr_scheduler_type': warmup_stable_decay takes trainer.lr_scheduler_kwargs.num_decay_steps=…",
    ),
    case(
        "A schedule by evaluations, and none",
        "bert_mlm trainer.lr_scheduler_type=reduce_lr_on_plateau trainer.eval_strategy=no",
        "'trainer.lr_scheduler_type': reduce_lr_on_plateau goes by evaluations; say trainer.eval_strategy=epo…",
    ),
    case(
        "A warm-up of a schedule without one",
        "bert_mlm trainer.lr_scheduler_type=constant trainer.warmup_steps=100",
        "'trainer.warmup_steps' does nothing with constant; say trainer.lr_scheduler_type=constant_with_warmup",
    ),
    case(
        "A step and a half",
        "bert_mlm trainer.warmup_steps=1.5",
        "'trainer.warmup_steps' must be a whole number, or below 1 a share of all steps, got 1.5",
    ),
    case(
        "A step and a half from one evaluation to the next",
        "bert_mlm trainer.eval_steps=1.5",
        "'trainer.eval_steps' must be a whole number, or below 1 a share of all steps, got 1.5",
    ),
    case("Figures every 0 steps", "bert_mlm trainer.logging_steps=0", "'trainer.logging_steps' must be above 0, got 0"),
    case(
        "Epochs beside a number of steps",
        "bert_mlm trainer.num_train_epochs=3",
        "'trainer.num_train_epochs' does nothing with trainer.max_steps=1800; say trainer.max_steps=-1 besid…",
    ),
    case(
        "Evaluations by steps where they are by epochs",
        "glue trainer.eval_steps=100",
        "'trainer.eval_steps' does nothing with trainer.eval_strategy=epoch; say trainer.eval_strategy=steps…",
    ),
    case(
        "An optimizer of a package that is not there",
        "bert_mlm trainer.optim=grokadamw",
        "'trainer.optim': grokadamw is not installed; pip install grokadamw, or take another",
    ),
    case(
        "Arguments of an optimizer that takes none",
        """bert_mlm 'trainer.optim_args="momentum=0.9"'""",
        "'trainer.optim_args' is not for adamw_torch_fused; leave it out",
    ),
    case(
        "A misspelt argument of an optimizer",
        """bert_mlm trainer.optim=sgd 'trainer.optim_args="momentm=0.9"'""",
        "'trainer.optim_args': sgd takes no momentm; did you mean 'momentum'?",
    ),
    case(
        "An argument of an optimizer without its value",
        "bert_mlm trainer.optim=sgd trainer.optim_args=momentum",
        "'trainer.optim_args' must be of the form name=value,name=value, got 'momentum'",
    ),
    case(
        "Layers for an optimizer of all weights",
        "bert_mlm trainer.optim_target_modules=[attention]",
        "'trainer.optim_target_modules' is for galore and apollo, not adamw_torch_fused; leave it out",
    ),
    case(
        "An equals sign in settings by name",
        "bert_mlm trainer.lr_scheduler_kwargs={min_lr=0}",
        "'trainer.lr_scheduler_kwargs={min_lr=0}' cannot be read; settings by name are written {name: value}",
    ),
    case(
        "A way to debug that is not there",
        "bert_mlm trainer.debug=x",
        "'trainer.debug' must be one of ['', 'underflow_overflow'] or list[one of ['underflow_overflow']], g…",
    ),
    case(
        "A backend of ranks that is not there",
        "bert_mlm trainer.ddp_backend=glo",
        "'trainer.ddp_backend' must be one of ['nccl', 'gloo', 'mpi', 'xccl', 'hccl'], got 'glo'",
    ),
    case(
        "A compiler that is not there",
        "bert_mlm trainer.torch_compile_backend=inductr",
        "'trainer.torch_compile_backend' must be one of ['inductor', 'eager', 'aot_eager', 'cudagraphs', 'onn…",
    ),
    case(
        "Processes without a launcher",
        "bert_mlm launch.processes=2",
        "'launch.processes' does nothing without a launcher; say launch=gpus or launch=cpu2 besides",
    ),
    case(
        "A launcher's option without a launcher",
        "bert_mlm launch.arguments=[--quiet]",
        "'launch.arguments' does nothing without a launcher; say launch=gpus or launch=cpu2 besides",
    ),
    case(
        "A misspelt option of the launcher",
        "bert_mlm launch=cpu2 launch.arguments=[--max_restart_s]",
        "'launch.arguments': torchrun has no option --max_restart_s; did you mean 'max_restarts'?",
    ),
    case(
        "An option that accelerate has not",
        "bert_mlm launch=gpus launch.arguments=[--nonsense]",
        "'launch.arguments': accelerate launch has no option --nonsense; accelerate launch --help lists them",
    ),
    case(
        "A misspelt layer for an adapter",
        f"{LORA} peft.target_modules=[c_atn]",
        "'peft.target_modules': gpt2 has no layer 'c_atn'; did you mean 'c_attn'?",
    ),
    case(
        "Rounds of a beginning of LoRA that are no number",
        f"{LORA} peft.init_lora_weights=pissa_niter_x",
        "'peft.init_lora_weights' must be bool or one of ['gaussian', 'eva', 'olora', 'pissa', 'pissa_niter_…",
    ),
    case(
        "A kind of cache that is not there",
        "generate gpt hello generation.cache_implementation=x",
        "'generation.cache_implementation' must be one of ['dynamic', 'static', 'offloaded', 'offloaded_stati…",
    ),
    case(
        "Words for the numbers of words",
        "generate gpt hello generation.bad_words_ids=[[a]]",
        "'generation.bad_words_ids' must be list[list[int]], got [['a']]",
    ),
    case(
        "A misspelt setting of a watermark",
        "generate gpt hello generation.watermarking_config={greenlist_ratoi:0.3}",
        "'generation.watermarking_config.greenlist_ratoi' is not a parameter of WatermarkingConfig; did you …",
    ),
    case(
        "A share of probability while the most probable token is taken",
        "generate gpt hello generation.typical_p=0.5",
        "'generation.typical_p' is of drawing the next token; say generation=top_p or generation=top_k",
    ),
    case(
        "A setting of several texts while one is followed",
        "generate gpt hello generation.length_penalty=2",
        "'generation.length_penalty' is of following several texts at once; raise generation.num_beams",
    ),
    case(
        "A length of a cache that has none",
        "generate gpt hello generation.max_cache_len=300",
        "'generation.max_cache_len' does nothing alone; say generation.cache_implementation=static besides",
    ),
    case(
        "A penalty of length without its factor",
        "generate gpt hello generation.exponential_decay_length_penalty=[20]",
        "'generation.exponential_decay_length_penalty' must be a place and a factor, such as [20,1.05], got …",
    ),
    case(
        "A setting of a second model that writes",
        "generate gpt hello generation.num_assistant_tokens=3",
        "'generation.num_assistant_tokens' is not for setting; one model writes by itself",
    ),
)
