module llmcs

go 1.19
