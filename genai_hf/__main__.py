"""`python -m genai_hf` is `genai-hf`."""

from genai_hf.cli import main

raise SystemExit(main())
